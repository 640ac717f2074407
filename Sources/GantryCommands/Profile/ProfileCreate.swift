// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ProfileCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Keep a configuration under a name."
    )

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "For people.")
    var description: String?

    @Option(
        name: .customLong("set"),
        help: "A field of a create, such as flavor_name=small. May be given several times."
    )
    var fields: [String] = []

    @OptionGroup var connection: Connection

    func run() async throws {
        let data = try data()
        try await connection.run { client throws(ClientError) in
            let request = CreateProfileRequest(name: name, description: description, data: data)
            let answer = try await client.createProfile(request)
            connection.output.print(answer.content) { answer.message }
        }
    }

    private func data() throws -> [String: String] {
        let pairs = try fields.map { field in
            let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ValidationError("“\(field)” sets nothing; write --set FIELD=VALUE.")
            }
            return (parts[0], parts[1])
        }
        return Dictionary(pairs) { $1 }
    }
}
