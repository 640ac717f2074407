// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a volume.")

    @OptionGroup var reference: VolumeReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let id = try await reference.find(client).id
            guard let found = try await client.volume(id) else {
                throw .refused(404, "not_found", "The volume was deleted meanwhile.")
            }
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: VolumeBody) -> String {
        var details = Details("\(found.name) (\(found.id)): \(found.status)")
        details.add("description", found.description)
        details.add("size", "\(found.size) GiB of \(found.volumeType)")
        details.add("environment", "\(found.environment.name) in \(found.environment.region)")
        details.add("image", found.osImage)
        for attachment in found.attachments {
            let protection = attachment.protected ? ", protected" : ""
            details.add(
                "machine",
                "\(attachment.instanceID) as \(attachment.device), \(attachment.status)\(protection)"
            )
        }
        details.add("callback", found.callbackURL)
        details.add("since", found.createdAt.words)
        return details.text
    }
}
