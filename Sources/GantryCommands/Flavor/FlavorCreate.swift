// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FlavorCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "For operators: offer a size of machines."
    )

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "The region's name.", completion: .regions)
    var region: String

    @Option(help: "How many virtual CPUs.")
    var vcpus: Int

    @Option(name: .customLong("memory-mib"), help: "Memory in MiB.")
    var memoryMiB: Int

    @Option(name: .customLong("disk-gib"), help: "The root disk in GiB.")
    var diskGiB: Int

    @Option(help: "The type of its GPUs, as gantry gpu list shows it.")
    var gpuType: String?

    @Option(help: "How many GPUs.")
    var gpuCount: Int?

    @Option(help: "What a stopped machine does with its part of the node: keep, or release; without it keep.")
    var stopPolicy: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.createFlavor(
                CreateFlavorRequest(
                    region: region,
                    name: name,
                    vcpus: vcpus,
                    memoryMiB: memoryMiB,
                    diskGiB: diskGiB,
                    gpuType: gpuType,
                    gpuCount: gpuCount,
                    stopPolicy: stopPolicy
                )
            )
            connection.output.print(answer.content) { answer.message }
        }
    }
}
