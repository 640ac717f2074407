// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Postgres
import Testing

/// Looks for what machines leave behind, through the host's own tools and SQL rather than anything of ours.
enum Auditor {
    /// What is left of machines on a host that has no other guests.
    static func leftovers(on host: TestHost) async throws -> [String] {
        var found: [String] = []
        found += lines(try await host.exec("virsh", "-q", "list", "--all", "--name")).map { "domain \($0)" }
        found += lines(try await host.exec("virsh", "-q", "net-list", "--all", "--name")).map { "network \($0)" }
        found += lines(try await host.exec("ip", "-o", "link")).filter { $0.contains("gtap") || $0.contains("gbr") }
        found += try await floatingIPs(on: host).map { "floating IP \($0)" }
        found += filterOfGuests(try await host.exec("nft", "list", "ruleset"))
        found += try await dhcpHosts(on: host).map { "DHCP host \($0)" }
        found += try await guestProcesses(on: host).map { "process \($0)" }
        found += try await files(on: host)
        return found
    }

    /// What machines still hold in the database.
    static func claims(in database: Database) async throws -> [String] {
        let questions: [(String, SQL)] = [
            ("private addresses", "SELECT count(*) AS n FROM private_address WHERE vm_id IS NOT NULL"),
            ("floating IPs", "SELECT count(*) AS n FROM floating_ip WHERE vm_id IS NOT NULL"),
            ("GPUs", "SELECT count(*) AS n FROM gpu_device WHERE vm_id IS NOT NULL"),
            ("machines", "SELECT count(*) AS n FROM virtual_machine WHERE deleted_at IS NULL"),
            ("volumes", "SELECT count(*) AS n FROM volume WHERE deleted_at IS NULL"),
            ("volume attachments", "SELECT count(*) AS n FROM volume_attachment"),
            (
                "allocations",
                """
                SELECT coalesce(sum(allocated_vcpus + allocated_memory_mib + allocated_disk_gib), 0) AS n
                FROM compute_node
                """
            ),
        ]
        return try await database.read { transaction in
            try questions.compactMap { name, question in
                let count: Int = try transaction.query(question)[0]["n"]
                return count == 0 ? nil : "\(count) \(name)"
            }
        }
    }

    /// Waits until nothing is left anywhere, and fails with what is.
    static func expectNothingLeft(of cloud: SystemCloud) async throws {
        var last: [String] = []
        do {
            try await eventually("nothing is left") {
                last = try await claims(in: cloud.database)
                for host in cloud.hosts { last += try await leftovers(on: host) }
                return last.isEmpty
            }
        } catch is NeverTrue {
            Issue.record("left behind: \(last.joined(separator: "; "))")
        }
    }

    /// Expects a host to have exactly these running guests, and each of their parts once.
    static func expectOnly(_ domains: [String], on host: TestHost) async throws {
        let running = lines(try await host.exec("virsh", "-q", "list", "--name"))
        #expect(running.sorted() == domains.sorted())
        #expect(lines(try await host.exec("virsh", "-q", "list", "--all", "--name")).count == domains.count)
        #expect(try await guestProcesses(on: host).count { $0.hasPrefix("qemu") } == domains.count)
        #expect(lines(try await host.exec("ip", "-o", "link")).count { $0.contains("gtap") } == domains.count)
        #expect(try await dhcpHosts(on: host).count == domains.count)
        #expect(try await floatingIPs(on: host).count == domains.count)
        let chains = lines(try await host.exec("nft", "list", "ruleset")).filter { $0.hasPrefix("chain to_") }
        #expect(chains.count == domains.count)
    }

    // MARK: - Where to look

    private static func floatingIPs(on host: TestHost) async throws -> [String] {
        lines(try await host.exec("sh", "-c", "ip -4 -o address show dev gantry-fip 2>/dev/null || true"))
            .filter { !$0.contains("169.254.169.254") }
    }

    private static func dhcpHosts(on host: TestHost) async throws -> [String] {
        lines(try await host.exec("sh", "-c", "cat /var/lib/libvirt/dnsmasq/*.hostsfile 2>/dev/null || true"))
    }

    private static func guestProcesses(on host: TestHost) async throws -> [String] {
        try await host.processes().map(\.name).filter { $0.hasPrefix("qemu") || $0 == "dnsmasq" }
    }

    /// Chains of single guests, and entries of any set or map but the one of the pools.
    private static func filterOfGuests(_ rules: String) -> [String] {
        var found: [String] = []
        var holder = ""
        for line in lines(rules) {
            let words = line.split(separator: " ")
            guard words.count > 1 else { continue }
            if ["set", "map", "chain"].contains(words[0]) { holder = String(words[1]) }
            let isOneGuests = words[0] == "chain" && words[1].wholeMatch(of: /((answers_)?(to|of)|from)_\d+/) != nil
            if isOneGuests || words[0] == "elements" && holder != "pools" { found.append("rules of \(holder)") }
        }
        return found
    }

    /// Everything but whole images and what the journal keeps without any machine.
    private static func files(on host: TestHost) async throws -> [String] {
        func names(_ folder: String) async throws -> [String] {
            lines(try await host.exec("sh", "-c", "ls -A \(host.agentFolder)/\(folder) 2>/dev/null || true"))
        }
        return try await names("machines").map { "machines/\($0)" }
            + names("volumes").map { "volumes/\($0)" }
            + names("journal").filter { !["epoch", "forgotten", "reserve"].contains($0) }.map { "journal/\($0)" }
            + names("images").filter { $0.wholeMatch(of: /[0-9a-f]{64}/) == nil }.map { "images/\($0)" }
    }

    static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
