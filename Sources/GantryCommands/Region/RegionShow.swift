// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct RegionShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "For operators: show a region.")

    @OptionGroup var reference: RegionReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: AdminRegionBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("description", found.description)
        details.add("country", found.country)
        details.add("network", "\(found.network), a /\(found.environmentPrefix) for each environment")
        details.add("environments", "\(found.environmentCount)")
        details.add("nodes", "\(found.nodeCount)")
        details.add("since", found.createdAt.words)
        return details.text
    }
}
