// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import Postgres

/// That a callback has to be, or was, told of a status.
package struct CallbackDeliveryRecord: Sendable, Hashable {
    /// Where it stands.
    package enum State: String, Sendable, Hashable {
        case waiting, delivered
        /// Given up: the receiver did not take it for a day, or said that it is gone.
        case failed
        /// Its callback was deleted before.
        case cancelled
    }

    package var id: CallbackDeliveryID
    package var messageID: UUID
    package var resource: CallbackResource
    /// The resource's name, as it was then.
    package var name: String
    /// A ``CallbackOperation``, as text, since a newer conductor may know more of them.
    package var operation: String
    package var status: String
    package var url: String
    package var state: State
    package var attempts: Int
    package var lastError: String?
    package var nextAttemptAt: Date
    package var createdAt: Date

    /// What the receiver knows it by.
    package var webhookID: String { Self.webhookID(messageID) }

    static func webhookID(_ message: UUID) -> String { "msg_" + message.uuidString.lowercased() }

    static let columns: StaticString = """
        d.id, d.message_id, d.vm_id, d.volume_id, d.resource_name, d.operation, d.status, d.url, d.state, d.attempts, d.last_error,
        d.next_attempt_at, d.created_at
        """

    init(_ row: Row) throws {
        id = try row["id"]
        messageID = try row["message_id"]
        resource = try CallbackResource(row)
        name = try row["resource_name"]
        operation = try row["operation"]
        status = try row["status"]
        url = try row["url"]
        state = try row["state"]
        attempts = try row["attempts"]
        lastError = try row["last_error"]
        nextAttemptAt = try row["next_attempt_at"]
        createdAt = try row["created_at"]
    }
}

/// What has a callback.
package enum CallbackResource: Sendable, Hashable {
    case machine(VirtualMachineID)
    case volume(VolumeID)

    /// Its id alone.
    var text: String {
        switch self {
        case .machine(let id): id.description
        case .volume(let id): id.description
        }
    }

    /// What receivers call its kind.
    var kind: String {
        switch self {
        case .machine: "instance"
        case .volume: "volume"
        }
    }

    fileprivate init(_ row: Row) throws {
        let volume: VolumeID? = try row["volume_id"]
        if let volume { self = .volume(volume) } else { self = .machine(try row["vm_id"]) }
    }
}
