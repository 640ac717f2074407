// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct GPUList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List GPUs by node and address.")

    @Option(help: "Only those of the node of this name.")
    var node: String?

    @Option(help: "Only those that are free, allocated, sanitizing or faulty.")
    var state: String?

    @Option(help: "Only those of this type, as in flavors.")
    var type: String?

    @Option(name: .customLong("vm"), help: "Only those that the machine with this id has.")
    var machine: Int64?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let gpus = try await client.gpus(node: node, state: state, type: type, machine: machine)
            connection.output.print(gpus) { Self.table(gpus) }
        }
    }

    private static func table(_ gpus: [AdminGPUBody]) -> String {
        var table = Table("ID", "NODE", "ADDRESS", "TYPE", "NUMA", "PARTITIONS", "STATE", "VM", "REASON")
        for gpu in gpus {
            table.add(
                "\(gpu.id)",
                gpu.node,
                gpu.address,
                gpu.gpuType,
                gpu.numaNode.map { "\($0)" } ?? "-",
                gpu.partitions.isEmpty ? "-" : gpu.partitions.map { "\($0.id)" }.joined(separator: ","),
                gpu.stateWords,
                gpu.orphanID.map { "orphan \($0)" } ?? gpu.virtualMachineName ?? "-",
                gpu.reason ?? gpu.cordonReason ?? "-"
            )
        }
        return table.text
    }
}

extension AdminGPUBody {
    /// The state with what keeps machines from the GPU beside it.
    var stateWords: String {
        let words = [state, present ? nil : "missing", returned ? "returned" : cordoned ? "cordoned" : nil]
        return words.compactMap { $0 }.joined(separator: ", ")
    }
}
