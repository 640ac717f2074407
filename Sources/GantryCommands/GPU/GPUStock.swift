// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct GPUStock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stock",
        abstract: "Show how many GPUs of each type are free now, by region."
    )

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.stocks()
            connection.output.print(found) { Self.table(found) }
        }
    }

    private static func table(_ found: [StockBody]) -> String {
        var table = Table("REGION", "TYPE", "FREE", "MACHINES")
        for stock in found {
            for model in stock.models {
                let configurations = model.configurations.sorted { $0.key < $1.key }.map { "\($0.value) of \($0.key)" }
                table.add(stock.region, model.model, model.available, configurations.joined(separator: ", "))
            }
        }
        return table.text
    }
}
