// SPDX-License-Identifier: Apache-2.0

/// What a node says of a snapshot that it took and that the image store has: the text of the job's outcome.
public struct SnapshotResult: Hashable, Sendable, Codable {
    /// Bytes that a guest sees of the disk.
    public var virtualSize: Int64
    /// Whether the guest's agent held its file systems still for the moment, or the machine was off.
    public var isConsistent: Bool

    public init(virtualSize: Int64, isConsistent: Bool) {
        (self.virtualSize, self.isConsistent) = (virtualSize, isConsistent)
    }

    private enum CodingKeys: String, CodingKey {
        case virtualSize = "virtual_size"
        case isConsistent = "is_consistent"
    }
}

/// How much of a file the image store has: the answer to `GET` and `PUT /v1/internal/nodes/{node}/images/{uuid}/upload`.
public struct ImageUploadState: Hashable, Sendable, Codable {
    /// Bytes, from the beginning on. What is sent next begins there.
    public var received: Int64
    /// Whether the whole is there, and has the digest that it is to have.
    public var isComplete: Bool

    public init(received: Int64, isComplete: Bool) {
        (self.received, self.isComplete) = (received, isComplete)
    }

    private enum CodingKeys: String, CodingKey {
        case received
        case isComplete = "is_complete"
    }
}
