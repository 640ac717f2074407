// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryTestSupport
import Testing

@Suite("What a host has and lacks is found by looking")
struct HostTests {
    @Test("Processors, memory and disk are those of the kernel")
    func capacity() async throws {
        try await withTemporaryDirectory { folder in
            let total = HostCapacity.total(directory: folder)
            let processors = try await shell("nproc")
            #expect(processors == "\(total.vcpus)\n")
            let memory = try await shell("awk", "/^MemTotal:/ { print int($2 / 1024) }", "/proc/meminfo")
            #expect(total.memoryMiB > 0)
            #expect(total.memoryMiB <= Int(memory.trimmingCharacters(in: .newlines)) ?? 0)
            let blocks = try await shell("stat", "-f", "-c", "%b %S", folder).split(separator: " ")
                .compactMap { Int($0.trimmingCharacters(in: .newlines)) }
            #expect(total.diskGiB == (blocks[0] * blocks[1]) >> 30)
        }
    }

    @Test("A directory that is not there has no room")
    func nowhere() {
        #expect(HostCapacity.total(directory: "/nonexistent").diskGiB == 0)
        #expect(HostCapacity.freeBytes("/nonexistent") == 0)
    }

    private func finding(_ subject: String, in findings: [HostChecks.Finding]) throws -> HostChecks.Finding {
        try #require(findings.first { $0.subject == subject })
    }

    @Test("A host with all of Debian's packages lacks none of the programs")
    func programs() async throws {
        let findings = HostChecks.run(stateDirectory: "/tmp", uplink: "lo")
        for program in ["nft", "ip", "qemu-img", "dnsmasq", "genisoimage", "conntrack", "arping"] {
            #expect(try finding(program, in: findings).severity == .ok)
        }
        #expect(try finding("uplink", in: findings).severity == .ok)
        #expect(!Command.exists("a-program-of-tomorrow"))
    }

    @Test("A wrong uplink and a full disk are errors that say what to do (root)")
    func errors() async throws {
        try await withSmallDisk(kibibytes: 64) { folder in
            let findings = HostChecks.run(stateDirectory: folder, uplink: "eth-nowhere")
            let uplink = try finding("uplink", in: findings)
            #expect(uplink.severity == .error && uplink.text.contains("eth-nowhere"))
            let later = HostChecks.run(stateDirectory: "\(folder)/to/come", uplink: nil)
            #expect(try finding("disk", in: later).severity == .error)
            let elsewhere = HostChecks.run(stateDirectory: "/nonexistent", uplink: nil)
            #expect(try finding("disk", in: elsewhere).severity == .ok)
            let disk = try finding("disk", in: findings)
            #expect(disk.severity == .error && disk.text.contains(folder))
        }
    }
}
