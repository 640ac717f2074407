// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct GPUTypes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "types",
        abstract: "List the types of GPUs that the cloud has, and where."
    )

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.gpuTypes()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [GPUBody]) -> String {
        var table = Table("TYPE", "REGIONS")
        for each in found {
            table.add(
                each.name,
                each.regions.map(\.name).joined(separator: ", ")
            )
        }
        return table.text
    }
}
