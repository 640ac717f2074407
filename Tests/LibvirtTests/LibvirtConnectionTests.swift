// SPDX-License-Identifier: Apache-2.0

import Foundation
import Libvirt
import Testing

/// libvirt's own test driver: a hypervisor in memory, without a daemon.
@Suite("libvirt's calls, errors and events come through the wrapper")
struct LibvirtConnectionTests {
    // The driver's hypervisor is one for the whole process: each test has its own domain and mark in it.
    private let uuid = UUID().uuidString.lowercased()
    private var namespace: String { "https://gantry.example/\(uuid)" }

    private func open() async throws -> LibvirtConnection {
        let connection = LibvirtConnection()
        try await connection.open(uri: "test:///default")
        return connection
    }

    private func xml(mark: Bool = true) -> String {
        """
        <domain type='test'>
          <name>made-\(uuid)</name><uuid>\(uuid)</uuid>
          <metadata>\(mark ? "<m:machine xmlns:m='\(namespace)' id='7'/>" : "")</metadata>
          <memory unit='MiB'>64</memory><os><type>hvm</type></os>
        </domain>
        """
    }

    @Test("A domain is defined, found by its mark, started, ended and removed; each twice is fine")
    func life() async throws {
        let connection = try await open()
        #expect(try await connection.domains(namespace: namespace).isEmpty)
        for _ in 1...2 { try await connection.defineDomain(xml: xml()) }
        let found = try await connection.domains(namespace: namespace)
        #expect(found.map(\.uuid) == [uuid])
        #expect(found.first?.state == .shutOff(.unknown))
        #expect(found.first?.metadata.contains("id=\"7\"") ?? found.first?.metadata.contains("id='7'") == true)
        for _ in 1...2 { try await connection.startDomain(uuid) }
        #expect(try await connection.domainState(uuid) == .running)
        for _ in 1...2 { try await connection.destroyDomain(uuid) }
        #expect(try await connection.domainState(uuid) == .shutOff(.destroyed))
        for _ in 1...2 { try await connection.undefineDomain(uuid) }
        #expect(try await connection.domains(namespace: namespace).isEmpty)
    }

    @Test("A domain is looked at alone, running or not; none is none")
    func alone() async throws {
        let connection = try await open()
        #expect(try await connection.domain(uuid, namespace: namespace) == nil)
        try await connection.defineDomain(xml: xml())
        try await connection.startDomain(uuid)
        let found = try await connection.domain(uuid, namespace: namespace)
        #expect(found?.state == .running)
        #expect(try await connection.domains(namespace: namespace) == [found])
    }

    @Test("A domain without the mark is not ours")
    func foreign() async throws {
        let connection = try await open()
        try await connection.defineDomain(xml: xml(mark: false))
        #expect(try await connection.domains(namespace: namespace).isEmpty)
        #expect(try await connection.domain(uuid, namespace: namespace) == nil)
    }

    @Test("Statistics are those of running domains with the mark, without what the driver does not count")
    func statistics() async throws {
        let connection = try await open()
        try await connection.defineDomain(xml: xml())
        #expect(try await connection.statistics(namespace: namespace).isEmpty)
        try await connection.startDomain(uuid)
        // The driver's own domain, which has no mark, runs too.
        let statistics = try await connection.statistics(namespace: namespace)
        #expect(statistics.map(\.uuid) == [uuid])
        #expect(statistics.first?.cpuTime == nil && statistics.first?.readBytes == nil)
        #expect(try await connection.statistics(namespace: "https://gantry.example/none").isEmpty)
        await connection.close()
        await #expect(throws: LibvirtError.self) { try await connection.statistics(namespace: namespace) }
    }

    @Test("What cannot be looked at is an error, not an absence")
    func unseen() async throws {
        let connection = try await open()
        try await connection.defineDomain(xml: xml())
        await connection.close()
        await #expect(throws: LibvirtError.self) { try await connection.domain(uuid, namespace: namespace) }
        await #expect(throws: LibvirtError.self) { try await connection.domains(namespace: namespace) }
    }

    @Test("An error says what it is")
    func errors() async throws {
        let connection = try await open()
        let missing = await #expect(throws: LibvirtError.self) { try await connection.startDomain(uuid) }
        #expect(missing?.isNotFound == true)
        #expect(missing?.isConnectionLost == false)
        let broken = await #expect(throws: LibvirtError.self) { try await connection.defineDomain(xml: "<domain") }
        #expect(broken?.message.isEmpty == false)
    }

    @Test("A closed connection and an unreachable daemon are told from other errors")
    func lost() async throws {
        let connection = try await open()
        await connection.close()
        let closed = await #expect(throws: LibvirtError.self) { try await connection.version() }
        #expect(closed?.isConnectionLost == true)
        let unreachable = await #expect(throws: LibvirtError.self) {
            try await connection.open(uri: "qemu+unix:///system?socket=/nonexistent/libvirt-sock")
        }
        #expect(unreachable?.isConnectionLost == true)
    }

    @Test("A start is told to whoever listens")
    func events() async throws {
        let connection = try await open()
        try await connection.defineDomain(xml: xml())
        var events = try await connection.events().makeAsyncIterator()
        try await connection.startDomain(uuid)
        #expect(await events.next() == .domainChanged(uuid))
    }

    @Test("A network is started, changed and removed; each twice is fine")
    func networks() async throws {
        let connection = try await open()
        let xml = """
            <network><name>env</name><bridge name='gbr7'/><forward mode='open'/>
            <ip address='10.9.0.1' netmask='255.255.255.0'><dhcp/></ip></network>
            """
        for _ in 1...2 { try await connection.startNetwork("env", xml: xml) }
        #expect(try await connection.networkNames().contains("env"))
        let host = "<host mac='02:00:00:00:00:07' ip='10.9.0.7'/>"
        try await connection.changeHost(.add, host, of: "env")
        #expect(try await connection.networkXML("env")?.contains("10.9.0.7") == true)
        try await connection.changeHost(.remove, host, of: "env")
        #expect(try await connection.networkXML("env")?.contains("10.9.0.7") == false)
        for _ in 1...2 { try await connection.removeNetwork("env") }
        #expect(try await connection.networkXML("env") == nil)
    }
}
