// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct KeypairAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "add", abstract: "Bring a public key of yours.")

    @Argument(help: "What it is called.")
    var name: String

    @Option(help: "The environment's name.", completion: .environments)
    var environment: String

    @Option(help: "The file of the public key, such as ~/.ssh/id_ed25519.pub.", completion: .file(extensions: ["pub"]))
    var file: String

    @OptionGroup var connection: Connection

    func run() async throws {
        let key = try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !key.contains("PRIVATE KEY") else {
            throw ValidationError(
                "\(file) is a private key, which is nobody's but yours. Name the file that ends in .pub."
            )
        }
        let request = ImportKeypairRequest(name: name, environmentName: environment, publicKey: key)
        try await connection.run { client throws(ClientError) in
            let answer = try await client.importKeypair(request)
            connection.output.print(answer.content) { answer.message }
        }
    }
}
