// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct GPURetry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Have a faulty GPU cleaned anew; it is free once that worked."
    )

    @OptionGroup var reference: GPUReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.retryGPU(reference.id)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
