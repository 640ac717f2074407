// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct ImageShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show an image.")

    @OptionGroup var reference: ImageReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                let found = try await reference.find(client)
                connection.output.print(found) { Self.text(of: found) }
            } orOperator: { () throws(ClientError) in
                let found = try await reference.findOffered(client)
                connection.output.print(found) { Self.text(of: found) }
            }
        }
    }

    private static func text(of found: ImageBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("region", found.regionName)
        details.add("system", "\(found.type) \(found.version)")
        details.add("description", found.description)
        details.add("size", found.displaySize)
        details.add("public", found.isPublic ? "yes" : "no, of your organization alone")
        details.add("since", found.createdAt.words)
        return details.text
    }

    private static func text(of found: AdminImageBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("region", found.region)
        details.add("system", "\(found.type) \(found.version)")
        details.add("description", found.description)
        details.add("file", "\(found.url) (\(found.format))")
        details.add("SHA-256", found.sha256)
        details.add("machines", "\(found.virtualMachineCount)")
        details.add("since", found.createdAt.words)
        return details.text
    }
}
