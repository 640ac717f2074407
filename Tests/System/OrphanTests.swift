// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("What is on a host beside the wanted machines (root)", .serialized)
struct OrphanTests {
    @Test(
        "An orphan is reported, stopped or removed as the policy says; what is others' is left alone",
        .timeLimit(.minutes(10))
    )
    func policies() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let host = cloud.hosts[0]
            let foreign = try await ForeignThings(on: host, image: cloud.image)
            let before = try await foreign.description()
            let building = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("wanted"), .active)
            try await cloud.expectBoots(1, of: machine)
            #expect(try await building.stop() == 0)
            let orphan = try await Orphan(cloneOf: machine, in: cloud)

            let reporting = try cloud.startAgent()
            try await eventually("the orphan is reported") {
                host.log.contains { $0.contains("nobody wants") && $0.contains(orphan.uuid) }
            }
            #expect(try await orphan.state(on: host) == "running")
            #expect(try await reporting.stop() == 0)

            let stopping = try cloud.startAgent(0, ["GANTRY_ORPHAN_POLICY": "stop"])
            try await eventually("the orphan is off") { try await orphan.state(on: host) == "shut off" }
            #expect(try await stopping.stop() == 0)

            let removing = try cloud.startAgent(0, ["GANTRY_ORPHAN_POLICY": "remove"])
            try await eventually("the orphan is gone") { try await orphan.traces(on: host).isEmpty }
            try await cloud.wait(for: machine, .active)
            try await cloud.expectBoots(1, of: machine)
            #expect(try await foreign.description() == before)

            try await cloud.remove(machine)
            #expect(try await foreign.description() == before)
            try await foreign.remove()
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await removing.stop() == 0)
        }
    }
}

/// A running domain with our mark that no conductor and no journal knows of: a machine's copy.
private struct Orphan {
    let uuid = UUID().uuidString.lowercased()

    init(cloneOf machine: InstanceBody, in cloud: SystemCloud) async throws {
        let (host, original) = (cloud.hosts[0], "\(try await cloud.uuid(machine))")
        let folder = host.agentFolder + "/machines"
        try FileManager.default.copyItem(atPath: "\(folder)/\(original)", toPath: "\(folder)/\(uuid)")
        let definition = try await host.exec("virsh", "dumpxml", "--inactive", "gantry-\(original)")
            .replacing(original, with: uuid).replacing("gtap\(machine.id)", with: "gtap999")
            .replacing("id=\"\(machine.id)\"", with: "id=\"999\"").replacing("id='\(machine.id)'", with: "id='999'")
            .replacing(/<mac address='..:..:../, with: "<mac address='52:54:99")
        let path = host.folder + "/orphan.xml"
        try Data(definition.utf8).write(to: URL(filePath: path))
        try await host.exec("virsh", "-q", "define", path)
        try await host.exec("virsh", "-q", "start", "gantry-\(uuid)")
    }

    func state(on host: TestHost) async throws -> String {
        try await host.exec("virsh", "domstate", "gantry-\(uuid)").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What there is of it.
    func traces(on host: TestHost) async throws -> [String] {
        let domains = Auditor.lines(try await host.exec("virsh", "-q", "list", "--all", "--name"))
        let links = Auditor.lines(try await host.exec("ip", "-o", "link"))
        let files = try FileManager.default.contentsOfDirectory(atPath: host.agentFolder + "/machines")
        return domains.filter { $0.contains(uuid) } + links.filter { $0.contains("gtap999") }
            + files.filter { $0.contains(uuid) }
    }
}

/// A domain, a network, a bridge, packet filter tables and an address of somebody else's.
private struct ForeignThings {
    private let host: TestHost

    init(on host: TestHost, image: TestImage) async throws {
        self.host = host
        let domain = """
            <domain type="qemu"><name>others</name><memory unit="MiB">64</memory>
            <os><type arch="x86_64" machine="q35">hvm</type></os><features><acpi/></features>
            <metadata><app:made xmlns:app="https://example.com/app">by others</app:made></metadata>
            <devices><controller type="usb" model="none"/><memballoon model="none"/>
            <disk type="file"><driver name="qemu" type="qcow2"/><source file="\(image.path)"/>
            <target dev="vda" bus="virtio"/><readonly/></disk></devices></domain>
            """
        let network = """
            <network><name>others</name><bridge name="others0"/><forward mode="open"/>
            <ip address="192.0.2.1" netmask="255.255.255.0"><dhcp><range start="192.0.2.2" end="192.0.2.9"/></dhcp></ip>
            </network>
            """
        let rules = """
            table inet others {
                chain forward {
                    type filter hook forward priority filter; policy accept;
                    ip daddr 192.0.2.77 drop
                }
            }
            table bridge others { chain input { type filter hook input priority filter; policy accept; }; }
            table ip gantry-like { set kept { type ipv4_addr; elements = { 192.0.2.1 }; }; }

            """
        for (name, text) in [("domain.xml", domain), ("network.xml", network), ("rules.nft", rules)] {
            try Data(text.utf8).write(to: URL(filePath: "\(host.folder)/others-\(name)"))
        }
        try await host.exec("virsh", "-q", "create", "\(host.folder)/others-domain.xml")
        try await host.exec("virsh", "-q", "net-define", "\(host.folder)/others-network.xml")
        try await host.exec("virsh", "-q", "net-start", "others")
        try await host.exec("nft", "-f", "\(host.folder)/others-rules.nft")
        try await host.exec("ip", "link", "add", "others1", "type", "bridge")
        try await host.exec("ip", "address", "add", "198.51.100.200/32", "dev", "others1")
    }

    /// All of it, as the host's tools show it.
    func description() async throws -> String {
        var parts = [
            try await host.exec("virsh", "domstate", "others"), try await host.exec("virsh", "dumpxml", "others"),
            try await host.exec("virsh", "net-dumpxml", "others"),
        ]
        for table in ["inet others", "bridge others", "ip gantry-like"] {
            parts.append(try await host.exec("sh", "-c", "nft list table \(table)"))
        }
        for link in ["others0", "others1"] {
            parts.append(try await host.exec("ip", "-4", "-o", "address", "show", "dev", link))
        }
        return parts.joined(separator: "\n")
    }

    func remove() async throws {
        try await host.exec("virsh", "-q", "destroy", "others")
        try await host.exec("virsh", "-q", "net-destroy", "others")
        try await host.exec("virsh", "-q", "net-undefine", "others")
        for table in ["inet others", "bridge others", "ip gantry-like"] {
            try await host.exec("sh", "-c", "nft delete table \(table)")
        }
    }
}
