// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct CallbackRotateSecret: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-secret",
        abstract: "Make the secret that callbacks are signed with, which is shown this once.",
        discussion: "Standard output is the secret alone. The one before it signs beside it for a day."
    )

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.rotateCallbackSecret()
            connection.output.print(answer.content) { answer.content.secret ?? "" }
            FileHandle.standardError.write(Data("\(answer.message)\n".utf8))
        }
    }
}
