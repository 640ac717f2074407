// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FirewallShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a firewall with its rules and machines."
    )

    @OptionGroup var reference: FirewallReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: FirewallBody) -> String {
        var details = Details("\(found.name) (\(found.id)): \(found.status)")
        details.add("description", found.description)
        details.add("environment", "\(found.environment.name) in \(found.environment.region)")
        details.add("machines", found.attachments.map(\.vm.name).joined(separator: ", "))
        return details.text + "\n" + SecurityRuleBody.table(found.rules)
    }
}
