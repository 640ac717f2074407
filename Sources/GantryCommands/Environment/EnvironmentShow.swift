// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct EnvironmentShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show an environment, and how many machines it has room for."
    )

    @OptionGroup var reference: EnvironmentReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            let quota = try await client.environmentQuota(found.id)
            connection.output.print(found) { Self.text(of: found, quota) }
        }
    }

    private static func text(of found: EnvironmentBody, _ quota: EnvironmentQuotaBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("region", found.region)
        details.add("network", quota.cidr)
        details.add("machines", "\(quota.currentVMs), room for \(quota.availableVMs) more")
        details.add("since", found.createdAt.words)
        return details.text
    }
}
