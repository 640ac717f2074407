// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let snapshots = "v1/core/snapshots"

    /// Asks for a snapshot of a machine's root disk.
    public func createSnapshot(
        _ request: CreateSnapshotRequest,
        of machine: Int64
    ) async throws(ClientError) -> SnapshotBody {
        let path = "v1/core/virtual-machines/\(machine)/snapshots"
        let answer: Answer<SnapshotBody> = try await call(.POST, path, request)
        return answer.content
    }

    /// A snapshot.
    public func snapshot(_ id: Int64) async throws(ClientError) -> SnapshotDetailBody {
        let answer: Answer<SnapshotDetailBody> = try await call(.GET, "\(Self.snapshots)/\(id)")
        return answer.content
    }

    /// A snapshot's history, oldest first.
    public func snapshotEvents(_ id: Int64) async throws(ClientError) -> [SnapshotEventsAnswer.Event] {
        let answer: SnapshotEventsAnswer = try await call(.GET, "\(Self.snapshots)/\(id)/events")
        return answer.snapshotEvents
    }

    /// All snapshots, oldest first.
    public func snapshots() async throws(ClientError) -> [SnapshotBody] {
        let answer: PageAnswer<SnapshotBody> = try await call(.GET, Self.snapshots)
        return answer.contents
    }

    /// Asks for a snapshot's deletion.
    @discardableResult
    public func deleteSnapshot(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.snapshots)/\(id)")
    }

    /// Makes a machine of a snapshot.
    public func restoreSnapshot(_ id: Int64, as name: String) async throws(ClientError) -> InstanceBody {
        let path = "\(Self.snapshots)/\(id)/restore"
        let answer: InstanceAnswer = try await call(.POST, path, RestoreSnapshotRequest(newVMName: name))
        return answer.instance
    }

    /// Makes an image of a snapshot.
    ///
    /// - Returns: its id.
    public func createImage(_ name: String, ofSnapshot id: Int64) async throws(ClientError) -> Int64 {
        let path = "\(Self.snapshots)/\(id)/image"
        let answer: SnapshotImageAnswer = try await call(.POST, path, SnapshotImageRequest(name: name))
        return answer.id
    }

    /// Deletes an image of the organization's own.
    @discardableResult
    public func deleteImage(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "v1/core/images/\(id)")
    }
}
