// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct GPUUncordon: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uncordon",
        abstract: "Let machines have a GPU again."
    )

    @OptionGroup var reference: GPUReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.uncordonGPU(reference.id)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
