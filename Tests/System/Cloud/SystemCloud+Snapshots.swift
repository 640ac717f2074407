// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryProtocol
import GantryTestSupport

extension SystemCloud {
    /// Takes a snapshot and waits until it is there.
    func takeSnapshot(
        _ name: String,
        of machine: InstanceBody,
        timeout: Duration = .seconds(120)
    ) async throws -> SnapshotDetailBody {
        let snapshot = try await api.createSnapshot(CreateSnapshotRequest(name: name), of: machine.id)
        return try await eventually("snapshot \(name) is there", timeout: timeout) {
            let now = try await api.snapshot(snapshot.id)
            if let fault = now.fault { throw CommandFailure(description: "snapshot \(name) failed: \(fault.message)") }
            return now.status == "AVAILABLE" ? now : nil
        }
    }
}
