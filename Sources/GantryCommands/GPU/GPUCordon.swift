// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct GPUCordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cordon",
        abstract: "Keep other machines off a GPU; the one that has it keeps it."
    )

    @OptionGroup var reference: GPUReference

    @Option(help: "Why, for other operators.")
    var reason: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.cordonGPU(reference.id, reason: reason)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
