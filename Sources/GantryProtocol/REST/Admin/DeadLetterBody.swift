// SPDX-License-Identifier: Apache-2.0

/// A message that no node took.
public struct DeadLetterBody: AnswerContent, Hashable {
    public static let singular = "dead_letter"
    public static let plural = "dead_letters"

    public var id: Int64
    /// The queue where it died.
    public var queue: String
    /// RabbitMQ's reason, such as `rejected` or `delivery_limit`, or `unroutable`.
    public var reason: String
    public var body: String
    public var createdAt: Timestamp

    public init(id: Int64, queue: String, reason: String, body: String, createdAt: Timestamp) {
        (self.id, self.queue, self.reason) = (id, queue, reason)
        (self.body, self.createdAt) = (body, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case queue
        case reason
        case body
        case createdAt = "created_at"
    }
}
