// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FloatingIPPoolShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a floating IP pool.")

    @OptionGroup var reference: FloatingIPPoolReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: FloatingIPPoolBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("region", found.region)
        details.add("network", found.network)
        details.add("addresses", "\(found.addressCount), of which machines have \(found.assignedCount)")
        details.add("since", found.createdAt.words)
        return details.text
    }
}
