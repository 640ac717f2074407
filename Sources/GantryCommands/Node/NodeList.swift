// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryModel
import GantryProtocol

struct NodeList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List nodes with what they have left."
    )

    @Option(help: "Only those with this in their name.")
    var search: String?

    @OptionGroup var watch: Watch
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            try await watch.show { () throws(ClientError) in
                let nodes = try await client.nodes(search: search)
                connection.output.print(nodes) { Self.table(nodes) }
            }
        }
    }

    private static func table(_ nodes: [NodeBody]) -> String {
        var table = Table("NAME", "REGION", "STATE", "VMS", "VCPU", "GIB", "DISK", "GPU", "WHY")
        for node in nodes {
            let free = node.gpus.filter { $0.state == "free" && !$0.cordoned }.count
            table.add(
                node.name,
                node.region,
                node.stateWords,
                "\(node.virtualMachineCount)",
                "\(node.allocated.vcpus)/\(node.limit.vcpus)",
                "\(node.allocated.memoryMiB / 1024)/\(node.limit.memoryMiB / 1024)",
                "\(node.allocated.diskGiB)/\(node.limit.diskGiB)",
                node.gpus.isEmpty ? "-" : "\(node.gpus.count - free)/\(node.gpus.count)",
                node.why ?? "-"
            )
        }
        return table.text
    }
}

extension NodeBody {
    /// The state with what keeps machines from the node beside it.
    var stateWords: String {
        let isReturning = declaredDeadAt != nil && state != "dead"
        let keeping = drain?.shortWords ?? (cordoned ? "cordoned" : nil)
        let words = [
            state, isReturning ? "returning" : nil, healthy ? nil : "unhealthy", keeping, shrunk ? "shrunk" : nil,
            unsurveyed ? "unsurveyed" : nil,
        ]
        return words.compactMap { $0 }.joined(separator: ", ")
    }

    /// Why new machines do not go there.
    var why: String? {
        problems.first ?? drain?.obstacle ?? cordonReason ?? fencedBy
            ?? (shrunk ? "The host has less than was given out." : nil)
    }
}
