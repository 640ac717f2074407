// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct GPUShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a GPU with its history.")

    @OptionGroup var reference: GPUReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.gpu(reference.id)
            connection.output.print(answer) { "\(Self.text(of: answer.gpu))\n\(Self.table(answer.uses))" }
        }
    }

    private static func table(_ uses: [GPUUseBody]) -> String {
        var table = Table("CLAIM", "SINCE", "VM", "ORGANIZATION", "RELEASED", "CLEANED", "FAULT")
        for use in uses {
            table.add(
                "\(use.claim)",
                text(of: use.startedAt),
                use.virtualMachineName ?? "-",
                use.organizationName ?? "-",
                text(of: use.releasedAt),
                text(of: use.cleanedAt) + (use.cleaning.map { " (\($0))" } ?? ""),
                use.fault ?? "-"
            )
        }
        return table.text
    }

    private static func text(of gpu: AdminGPUBody) -> String {
        var lines = [
            "\(gpu.model) (\(gpu.id)): \(gpu.stateWords)",
            "  type         \(gpu.gpuType)",
            "  node         \(gpu.node) in \(gpu.region)",
            "  functions    \(gpu.functions.map { "\($0.address) [\($0.pciID)]" }.joined(separator: ", "))",
            "  place        NUMA node \(gpu.numaNode.map { "\($0)" } ?? "-"), "
                + "IOMMU group \(gpu.iommuGroup.map { "\($0)" } ?? "-")",
        ]
        if !gpu.partitions.isEmpty {
            let words = gpu.partitions.map { "\($0.id) (\($0.size)\($0.active ? ", active" : ""))" }
            lines.append("  partitions   \(words.joined(separator: ", "))")
        }
        if let id = gpu.virtualMachineID { lines.append("  machine      \(gpu.virtualMachineName ?? "") (\(id))") }
        if let id = gpu.orphanID { lines.append("  orphan       \(id)") }
        if let reason = gpu.reason { lines.append("  reason       \(reason)") }
        if let reason = gpu.cordonReason { lines.append("  cordoned     \(reason)") }
        return lines.joined(separator: "\n")
    }

    private static func text(of time: Timestamp?) -> String {
        time?.date.formatted(.iso8601) ?? "-"
    }
}
