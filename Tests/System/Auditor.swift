// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Postgres
import Testing

/// Looks for what machines leave behind, through the host's own tools and SQL rather than anything of ours.
enum Auditor {
    /// What is left of machines on a host.
    static func leftovers(on host: TestHost) async throws -> [String] {
        var found: [String] = []
        found += lines(try await host.exec("virsh", "-q", "list", "--all", "--name")).map { "domain \($0)" }
        found += lines(try await host.exec("virsh", "-q", "net-list", "--all", "--name")).map { "network \($0)" }
        found += lines(try await host.exec("ip", "-o", "link")).filter { $0.contains("gtap") || $0.contains("gbr") }
        let addresses = lines(
            try await host.exec("sh", "-c", "ip -4 -o address show dev gantry-fip 2>/dev/null || true")
        )
        found += addresses.filter { !$0.contains("169.254.169.254") }
        let rules = try await host.exec("nft", "list", "ruleset")
        found += lines(rules)
            .filter { $0.contains("chain to_") || $0.contains("chain from_") && !$0.contains("guests") }
        for folder in ["machines", "journal"] {
            let path = "\(host.agentFolder)/\(folder)"
            found += ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).map { "\(folder)/\($0)" }
        }
        found += try await host.processes().filter { $0.hasPrefix("qemu") || $0 == "dnsmasq" }.map { "process \($0)" }
        let leases = try await host.exec("sh", "-c", "cat /var/lib/libvirt/dnsmasq/*.hostsfile 2>/dev/null || true")
        found += lines(leases).map { "DHCP host \($0)" }
        return found
    }

    /// What machines still hold in the database.
    static func claims(in database: Database) async throws -> [String] {
        let questions: [(String, SQL)] = [
            ("private addresses", "SELECT count(*) AS n FROM private_address WHERE vm_id IS NOT NULL"),
            ("floating IPs", "SELECT count(*) AS n FROM floating_ip WHERE vm_id IS NOT NULL"),
            ("GPUs", "SELECT count(*) AS n FROM gpu_device WHERE vm_id IS NOT NULL"),
            ("machines", "SELECT count(*) AS n FROM virtual_machine WHERE deleted_at IS NULL"),
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

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }
}
