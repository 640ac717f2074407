// SPDX-License-Identifier: Apache-2.0

import CRabbitMQ
import DedicatedThread
public import Foundation
import Glibc

/// A message to publish: persistent, JSON, mandatory.
public struct AMQPMessage: Sendable, Hashable {
    public var exchange: String
    public var routingKey: String
    /// Unique in its batch; returned messages are told by it.
    public var id: String
    public var body: Data

    public init(exchange: String, routingKey: String, id: String, body: Data) {
        (self.exchange, self.routingKey, self.id, self.body) = (exchange, routingKey, id, body)
    }
}

/// What became of a published message.
public enum AMQPOutcome: Sendable, Hashable {
    /// On a queue's disk, or a quorum's.
    case confirmed
    /// No queue is bound for it.
    case returned(code: Int, text: String)
    /// The broker could not take it now.
    case refused
}

/// Publishes with confirms, and declares topology, over one connection on a thread of its own.
public actor AMQPPublisher {
    private let configuration: AMQPConfiguration
    private let thread = DedicatedThread(name: "amqp-publish")
    private var link: Link?
    /// The delivery tag of the last message published on the channel.
    private var lastTag: UInt64 = 0

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    public init(_ configuration: AMQPConfiguration) {
        self.configuration = configuration
    }

    /// Publishes all messages, then waits for the broker's word on each.
    ///
    /// - Returns: The outcomes, in the order of the messages.
    /// - Throws: ``AMQPError`` when the connection broke: any of the messages may have arrived or not.
    public func publish(_ messages: [AMQPMessage]) throws(AMQPError) -> [AMQPOutcome] {
        try withLink { link throws(AMQPError) in
            var pending: [UInt64: Int] = [:]
            for (index, message) in messages.enumerated() {
                try send(message, on: link)
                lastTag += 1
                pending[lastTag] = index
            }
            return try collect(pending, of: messages, on: link)
        }
    }

    /// Declares a durable exchange; one with other properties under that name is an error.
    ///
    /// - Parameters:
    ///   - name: The exchange's.
    ///   - type: `direct` or `fanout`.
    /// - Throws: the broker's refusal, or that it is away.
    public func declareExchange(_ name: String, type: String) throws(AMQPError) {
        try withLink { link throws(AMQPError) in
            unsafe withBytes(name) { name in
                unsafe withBytes(type) { type in
                    _ = unsafe amqp_exchange_declare(link.state, Link.channel, name, type, 0, 1, 0, 0, amqp_empty_table)
                }
            }
            try link.checkLast("declaring exchange \(name)")
        }
    }

    /// Declares a durable queue; one with other arguments under that name is an error.
    public func declareQueue(_ name: String, arguments: [String: AMQPArgument]) throws(AMQPError) {
        try withLink { link throws(AMQPError) in
            unsafe withTable(arguments) { table in
                unsafe withBytes(name) { name in
                    _ = unsafe amqp_queue_declare(link.state, Link.channel, name, 0, 1, 0, 0, table)
                }
            }
            try link.checkLast("declaring queue \(name)")
        }
    }

    /// Binds a queue to an exchange.
    public func bindQueue(_ queue: String, to exchange: String, routingKey: String) throws(AMQPError) {
        try withLink { link throws(AMQPError) in
            unsafe withBytes(queue) { queue in
                unsafe withBytes(exchange) { exchange in
                    unsafe withBytes(routingKey) { key in
                        _ = unsafe amqp_queue_bind(link.state, Link.channel, queue, exchange, key, amqp_empty_table)
                    }
                }
            }
            try link.checkLast("binding queue \(queue)")
        }
    }

    /// Deletes a queue with what is in it; none is fine.
    public func deleteQueue(_ name: String) throws(AMQPError) {
        try withLink { link throws(AMQPError) in
            unsafe withBytes(name) { name in
                _ = unsafe amqp_queue_delete(link.state, Link.channel, name, 0, 0)
            }
            try link.checkLast("deleting queue \(name)")
        }
    }

    /// Closes the connection; the next call opens another.
    public func close() {
        link = nil
    }

    private func withLink<Value>(_ body: (Link) throws(AMQPError) -> Value) throws(AMQPError) -> Value {
        do throws(AMQPError) {
            return try body(connected())
        } catch {
            // After any error the channel is closed or its state unknown.
            link = nil
            throw error
        }
    }

    private func connected() throws(AMQPError) -> Link {
        if let link { return link }
        // Nobody would send heartbeats between two calls, and the broker would close the connection.
        let link = try Link(configuration, heartbeat: 0)
        _ = unsafe amqp_confirm_select(link.state, Link.channel)
        try link.checkLast("switching to confirms")
        lastTag = 0
        self.link = link
        return link
    }

    private func send(_ message: AMQPMessage, on link: Link) throws(AMQPError) {
        let status = unsafe withBytes(message.exchange) { exchange in
            unsafe withBytes(message.routingKey) { key in
                unsafe withBytes(message.id) { id in
                    unsafe withBytes("application/json") { type in
                        unsafe withBytes(Array(message.body)) { body in
                            var properties = unsafe amqp_basic_properties_t()
                            unsafe properties._flags = amqp_flags_t(
                                AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG
                                    | AMQP_BASIC_MESSAGE_ID_FLAG
                            )
                            unsafe properties.content_type = type
                            unsafe properties.delivery_mode = UInt8(AMQP_DELIVERY_PERSISTENT.rawValue)
                            unsafe properties.message_id = id
                            return unsafe amqp_basic_publish(
                                link.state,
                                Link.channel,
                                exchange,
                                key,
                                1,
                                0,
                                &properties,
                                body
                            )
                        }
                    }
                }
            }
        }
        try link.check(status: status, "publishing")
    }

    private func collect(
        _ tags: [UInt64: Int],
        of messages: [AMQPMessage],
        on link: Link
    ) throws(AMQPError) -> [AMQPOutcome] {
        var pending = tags
        var returned: [String: AMQPOutcome] = [:]
        var outcomes = Array(repeating: AMQPOutcome.refused, count: messages.count)
        while !pending.isEmpty {
            switch try nextWord(link) {
            case .returned(let id, let outcome):
                // basic.return comes before the message's ack.
                returned[id] = outcome
            case .settled(let tag, let multiple, let positive):
                let settled = multiple ? pending.keys.filter { $0 <= tag } : [tag]
                for tag in settled {
                    guard let index = pending.removeValue(forKey: tag) else { continue }
                    outcomes[index] = positive ? returned[messages[index].id] ?? .confirmed : .refused
                }
            }
        }
        return outcomes
    }

    private enum Word {
        case returned(id: String, AMQPOutcome)
        case settled(tag: UInt64, multiple: Bool, positive: Bool)
    }

    /// Waits for the broker's next ack, nack or return.
    private func nextWord(_ link: Link) throws(AMQPError) -> Word {
        while true {
            var frame = unsafe amqp_frame_t()
            var limit = timeval(tv_sec: configuration.timeout, tv_usec: 0)
            unsafe amqp_maybe_release_buffers(link.state)
            try link.check(
                status: unsafe amqp_simple_wait_frame_noblock(link.state, &frame, &limit),
                "waiting for confirms"
            )
            guard unsafe frame.frame_type == UInt8(AMQP_FRAME_METHOD) else { continue }
            let method = unsafe frame.payload.method
            guard let decoded = unsafe method.decoded else { continue }
            switch unsafe Int64(method.id) {
            case Int64(AMQP_BASIC_ACK_METHOD):
                let ack = unsafe decoded.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee
                return .settled(tag: ack.delivery_tag, multiple: ack.multiple != 0, positive: true)
            case Int64(AMQP_BASIC_NACK_METHOD):
                let nack = unsafe decoded.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee
                return .settled(tag: nack.delivery_tag, multiple: nack.multiple != 0, positive: false)
            case Int64(AMQP_BASIC_RETURN_METHOD):
                let word = unsafe decoded.assumingMemoryBound(to: amqp_basic_return_t.self).pointee
                let outcome = unsafe AMQPOutcome.returned(code: Int(word.reply_code), text: word.reply_text.string)
                return .returned(id: try returnedMessageID(link), outcome)
            default:
                throw unsafe link.closed(method, "waiting for confirms")
            }
        }
    }

    /// Reads the message that follows a `basic.return`.
    private func returnedMessageID(_ link: Link) throws(AMQPError) -> String {
        var message = unsafe amqp_message_t()
        try unsafe link.check(amqp_read_message(link.state, Link.channel, &message, 0), "reading a returned message")
        defer { unsafe amqp_destroy_message(&message) }
        return unsafe message.properties.message_id.string
    }
}
