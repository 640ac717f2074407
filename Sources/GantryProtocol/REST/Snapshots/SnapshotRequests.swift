// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/core/virtual-machines/{id}/snapshots`.
public struct CreateSnapshotRequest: RequestFields, Hashable {
    public var name: String
    public var description: String?
    public var labels: [String]?

    public init(name: String, description: String? = nil, labels: [String]? = nil) {
        (self.name, self.description, self.labels) = (name, description, labels)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case description
        case labels
    }
}

/// `POST /v1/core/snapshots/{id}/restore`.
public struct RestoreSnapshotRequest: RequestFields, Hashable {
    public var newVMName: String

    public init(newVMName: String) {
        self.newVMName = newVMName
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case newVMName = "new_vm_name"
    }
}

/// `POST /v1/core/snapshots/{id}/image`.
public struct SnapshotImageRequest: RequestFields, Hashable {
    public var name: String
    public var labels: [String]?

    public init(name: String, labels: [String]? = nil) {
        (self.name, self.labels) = (name, labels)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case labels
    }
}

/// The answer to it.
public struct SnapshotImageAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message: String
    public var id: Int64

    public init(id: Int64, message: String) {
        (self.id, self.message) = (id, message)
    }
}

/// `GET /v1/core/snapshots/{id}/events`.
public struct SnapshotEventsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting snapshot events success"
    public var snapshotEvents: [Event]

    public init(snapshotEvents: [Event]) {
        self.snapshotEvents = snapshotEvents
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case snapshotEvents = "snapshot_events"
    }

    public struct Event: Codable, Sendable, Hashable {
        public var snapshotID: Int64
        public var time: Timestamp
        /// `normal` or `warning`.
        public var type: String
        public var reason: String
        public var message: String

        public init(snapshotID: Int64, time: Timestamp, type: String, reason: String, message: String) {
            (self.snapshotID, self.time, self.type) = (snapshotID, time, type)
            (self.reason, self.message) = (reason, message)
        }

        private enum CodingKeys: String, CodingKey {
            case snapshotID = "snapshot_id"
            case time
            case type
            case reason
            case message
        }
    }
}
