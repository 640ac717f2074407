// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct QuotaShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show what there is and how much there may be.",
        discussion: "Without an option it is your own organization's. Others' are for operators."
    )

    @OptionGroup var target: QuotaTarget
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let owner = try await target.find(client)
            let quota = if let owner { try await client.quota(of: owner) } else { try await client.quota() }
            connection.output.print(quota) { quota.table }
        }
    }
}
