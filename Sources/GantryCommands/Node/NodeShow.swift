// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryModel
import GantryProtocol

struct NodeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a node: what it has and gave out, its GPUs, and what is wrong with it."
    )

    @OptionGroup var reference: NodeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let node = try await client.node(reference.name)
            connection.output.print(node) { Self.text(of: node) }
        }
    }

    private static func text(of node: NodeBody) -> String {
        var lines = [
            "\(node.name): \(node.stateWords)",
            "  region       \(node.region)",
            "  host         \(node.hostname ?? "-"), \(node.virtType ?? "-") \(node.hypervisorVersion ?? "")",
            "  agent        \(node.agentVersion ?? "-")",
            "  last report  \(node.lastReportAt?.date.formatted(.iso8601) ?? "-")",
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
        for gpu in node.gpus {
            let holder = gpu.virtualMachineName.map { " by \($0)" } ?? ""
            lines.append("  GPU \(gpu.id)  \(gpu.address)  \(gpu.gpuType)  \(gpu.stateWords)\(holder)")
        }
        return lines.joined(separator: "\n")
    }

    private static func text(of resources: Resources) -> String {
        "\(resources.vcpus) vCPU, \(resources.memoryMiB) MiB, \(resources.diskGiB) GiB disk"
    }
}
