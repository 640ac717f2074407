// SPDX-License-Identifier: Apache-2.0

/// What became of telling a callback of one status.
public struct CallbackDeliveryBody: AnswerContent, Hashable {
    public static let singular = "callback_delivery"
    public static let plural = "callback_deliveries"

    public var id: Int64
    /// The `webhook-id` that the receiver sees, the same at each attempt.
    public var webhookID: String
    /// Null for a volume's.
    @Nullable public var vmID: Int64?
    /// Null for a machine's.
    @Nullable public var volumeID: Int64?
    /// The machine's or volume's, as it was then.
    public var name: String
    public var operation: String
    public var status: String
    public var url: String
    /// `waiting`, `delivered`, `failed` or `cancelled`.
    public var state: String
    public var attempts: Int
    /// Why the last attempt did not succeed.
    @Nullable public var lastError: String?
    /// Null unless it waits.
    @Nullable public var nextAttemptAt: Timestamp?
    public var createdAt: Timestamp

    public init(
        id: Int64,
        webhookID: String,
        vmID: Int64?,
        volumeID: Int64?,
        name: String,
        operation: String,
        status: String,
        url: String,
        state: String,
        attempts: Int,
        lastError: String?,
        nextAttemptAt: Timestamp?,
        createdAt: Timestamp
    ) {
        (self.id, self.webhookID, self.name) = (id, webhookID, name)
        _vmID = Nullable(wrappedValue: vmID)
        _volumeID = Nullable(wrappedValue: volumeID)
        (self.operation, self.status, self.url, self.state) = (operation, status, url, state)
        self.attempts = attempts
        _lastError = Nullable(wrappedValue: lastError)
        _nextAttemptAt = Nullable(wrappedValue: nextAttemptAt)
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case webhookID = "webhook_id"
        case vmID = "vm_id"
        case volumeID = "volume_id"
        case name
        case operation
        case status
        case url
        case state
        case attempts
        case lastError = "last_error"
        case nextAttemptAt = "next_attempt_at"
        case createdAt = "created_at"
    }
}
