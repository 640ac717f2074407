// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryModel
import GantryProtocol

struct NodeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a node: what it has and gave out, its machines and GPUs, and what is wrong with it."
    )

    @OptionGroup var reference: NodeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let node = try await client.node(reference.name)
            let machines = try await client.machines(ofNode: reference.name)
            connection.output.print(node) { Self.text(of: node, machines) }
        }
    }

    private static func text(of node: NodeBody, _ machines: [NodeMachineBody]) -> String {
        var lines = [
            "\(node.name): \(node.stateWords)",
            "  region       \(node.region)",
            "  host         \(node.hostname ?? "-"), \(node.virtType ?? "-") \(node.hypervisorVersion ?? "")",
            "  agent        \(node.agentVersion ?? "-")",
            "  boot         \(node.bootID ?? "-")",
            "  last report  \(report(of: node))",
            "  credentials  \(node.credentials)",
            "  machines     \(node.virtualMachineCount)",
        ]
        for (name, resources) in [
            ("total", node.total), ("reserved", node.reserved), ("limit", node.limit), ("allocated", node.allocated),
        ] {
            lines.append("  \(name.padding(toLength: 12, withPad: " ", startingAt: 0)) \(text(of: resources))")
        }
        if let pageMiB = node.memoryPageMiB { lines.append("  memory       huge pages of \(pageMiB) MiB, whole ones") }
        for problem in node.problems { lines.append("  problem      \(problem)") }
        if let reason = node.cordonReason { lines.append("  cordoned     \(reason)") }
        if let drain = node.drain { lines.append("  drain        \(drain.words)") }
        if let fence = node.fencedBy { lines.append("  fenced by    \(fence)") }
        if node.shrunk { lines.append("  shrunk       the host has less than was given out") }
        if !machines.isEmpty { lines += table(of: machines) }
        for gpu in node.gpus {
            let holder = gpu.virtualMachineName.map { " by \($0)" } ?? ""
            lines.append("  GPU \(gpu.id)  \(gpu.address)  \(gpu.gpuType)  \(gpu.stateWords)\(holder)")
        }
        return lines.joined(separator: "\n")
    }

    /// When it was, and what follows when that is too long ago.
    private static func report(of node: NodeBody) -> String {
        guard let last = node.lastReportAt?.date else { return "-" }
        let age = max(0, Int(Date.now.timeIntervalSince(last)))
        let text = "\(last.formatted(.iso8601)), \(age) s ago"
        return node.state == "silent" ? text + "; what runs there is not known" : text
    }

    private static func table(of machines: [NodeMachineBody]) -> [String] {
        var table = Table("VM", "NAME", "ORGANIZATION", "STATUS", "VCPU", "MIB", "DISK", "GPU", "HELD BY")
        for machine in machines {
            table.add(
                "\(machine.id)",
                machine.name,
                machine.organization,
                machine.status,
                machine.holdsCompute ? "\(machine.vcpus)" : "-",
                machine.holdsCompute ? "\(machine.memoryMiB)" : "-",
                "\(machine.diskGiB)",
                machine.gpuCount == 0 || !machine.holdsCompute ? "-" : "\(machine.gpuCount)",
                machine.drainReason ?? machine.localState ?? "-"
            )
        }
        return table.text.split(separator: "\n").map { "  \($0)" }
    }

    private static func text(of resources: Resources) -> String {
        "\(resources.vcpus) vCPU, \(resources.memoryMiB) MiB, \(resources.diskGiB) GiB disk"
    }
}
