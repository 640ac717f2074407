// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct SnapshotCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Keep what is on a machine's disk now, without stopping it."
    )

    @OptionGroup var reference: MachineReference

    @Option(help: "What the snapshot is called.")
    var name: String

    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            var snapshot = try await client.createSnapshot(CreateSnapshotRequest(name: name), of: machine.id)
            snapshot.status = try await status(of: snapshot, client)
            connection.output.print(snapshot) { "Snapshot \(snapshot.name) (\(snapshot.id)) is \(snapshot.status)." }
        }
    }

    /// What it is at the end, where that is waited for.
    private func status(of snapshot: SnapshotBody, _ client: APIClient) async throws(ClientError) -> String {
        guard wait.wait else { return snapshot.status }
        let read = { () async throws(ClientError) -> SnapshotDetailBody? in try await client.snapshot(snapshot.id) }
        let last = try await wait.follow(snapshot.name, read, text: \.status) { current throws(ClientError) in
            guard current.status != "ERROR" else {
                let reason = current.fault?.message ?? "no reason is known"
                throw .refused(409, "failed", "\(current.name) failed: \(reason)")
            }
            return current.status == "AVAILABLE"
        }
        return last?.status ?? snapshot.status
    }
}
