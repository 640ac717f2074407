// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct NodeTokenCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a token, which is shown this once.",
        discussion: "Standard output is the token alone; what to do with it goes to standard error."
    )

    @Option(help: "The region that the node is to be in.")
    var region: String

    @Option(help: "The only host that may use it, by the name that `hostname` prints there.")
    var hostname: String?

    @Option(help: "Seconds after which it is good for nothing: 60 to 604800, without it 3600.")
    var expiresIn: Int?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let body = CreateJoinTokenRequest(region: region, hostname: hostname, expiresIn: expiresIn)
            let token = try await client.createJoinToken(body).content
            connection.output.print(token) { token.token ?? "" }
            let end = token.expiresAt.date.formatted(.iso8601)
            let hint = "On the host, until \(end): gantry-agent join --conductor \(client.url) --token TOKEN\n"
            FileHandle.standardError.write(Data(hint.utf8))
        }
    }
}
