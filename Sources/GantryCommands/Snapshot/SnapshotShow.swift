// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct SnapshotShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show a snapshot with its history.")

    @OptionGroup var reference: SnapshotReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await client.snapshot(try await reference.find(client).id)
            let events = try await client.snapshotEvents(found.id)
            connection.output.print(found) { ([Self.text(of: found)] + events.map(Self.text)).joined(separator: "\n") }
        }
    }

    private static func text(of found: SnapshotDetailBody) -> String {
        var details = Details("\(found.name) (\(found.id)): \(found.status)")
        details.add("machine", "\(found.vmName) (\(found.vmID))")
        details.add("size", "\(found.size) GiB")
        details.add("region", found.region)
        details.add("image", found.customImage)
        details.add("fault", found.fault?.message)
        details.add("since", found.createdAt.words)
        return details.text
    }

    private static func text(of event: SnapshotEventsAnswer.Event) -> String {
        "  \(event.time.words)  \(event.message)"
    }
}
