// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct OrganizationShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show an organization.")

    @OptionGroup var reference: OrganizationReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: OrganizationBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("users", "\(found.userCount)")
        details.add("environments", "\(found.environmentCount)")
        details.add("machines", "\(found.virtualMachineCount)")
        details.add("since", found.createdAt.words)
        return details.text
    }
}
