// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct GPUReturn: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "return",
        abstract: "Give a GPU that no machine has back to its host's drivers; uncordon takes it back."
    )

    @OptionGroup var reference: GPUReference

    @Option(help: "Why, for other operators.")
    var reason: String

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.returnGPU(reference.id, reason: reason)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
