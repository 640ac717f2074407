// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct QuotaSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "For operators: set how much an organization or an environment may have.",
        discussion: "Limits that are not named stay. What is there above a limit stays too."
    )

    @OptionGroup var target: QuotaTarget
    @OptionGroup var limits: QuotaLimitOptions
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            guard let owner = try await target.find(client) else {
                throw .refused(400, "bad_request", "Say whose with --organization or --environment.")
            }
            let wanted = limits.applied(to: try await client.quota(of: owner).limits)
            let answer = try await client.setQuota(wanted, of: owner)
            connection.output.print(answer.content) { answer.content.table }
        }
    }
}
