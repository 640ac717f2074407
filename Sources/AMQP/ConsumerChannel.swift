// SPDX-License-Identifier: Apache-2.0

import CRabbitMQ
import DedicatedThread
import Foundation
import Glibc
import Synchronization

/// A consumer's connection: waits for deliveries and for dispositions at once, on its thread.
actor ConsumerChannel {
    private let configuration: AMQPConfiguration
    private let thread = DedicatedThread(name: "amqp-consume")
    private let outbox = Outbox()
    private var link: Link?

    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    init(_ configuration: AMQPConfiguration) {
        self.configuration = configuration
    }

    func open(queues: [String], prefetch: Int) throws(AMQPError) {
        let link = try Link(configuration, heartbeat: configuration.heartbeat)
        _ = unsafe amqp_basic_qos(link.state, Link.channel, 0, UInt16(clamping: prefetch), 0)
        try link.checkLast("setting the prefetch")
        for queue in queues {
            unsafe withBytes(queue) { name in
                // The queue's name is its consumer's tag too, by which a delivery is told.
                _ = unsafe amqp_basic_consume(link.state, Link.channel, name, name, 0, 0, 0, amqp_empty_table)
            }
            try link.checkLast("consuming \(queue)")
        }
        self.link = link
    }

    func close() {
        link = nil
    }

    /// Says what to do with a delivery; may be called from anywhere.
    nonisolated func settle(_ delivery: AMQPDelivery, _ disposition: AMQPDisposition) {
        outbox.add(delivery.tag, disposition)
    }

    /// Ends a wait for deliveries; may be called from anywhere.
    nonisolated func wake() {
        outbox.ring()
    }

    /// The deliveries that have come; empty several times in each heartbeat's interval, so that heartbeats go out.
    func next() throws(AMQPError) -> [AMQPDelivery] {
        guard let link else { throw AMQPError(.connection, "closed") }
        try flush()
        if unsafe amqp_frames_enqueued(link.state) == 0 && amqp_data_in_buffer(link.state) == 0 {
            outbox.wait(orReadable: link.socket, milliseconds: Int32(clamping: configuration.heartbeat * 1000 / 4))
            try flush()
        }
        var deliveries: [AMQPDelivery] = []
        while let delivery = try receive(link) { deliveries.append(delivery) }
        return deliveries
    }

    /// Sends the dispositions that wait.
    func flush() throws(AMQPError) {
        guard let link else { return }
        for (tag, disposition) in outbox.take() {
            let status =
                switch disposition {
                case .acknowledge: unsafe amqp_basic_ack(link.state, Link.channel, tag, 0)
                case .reject: unsafe amqp_basic_reject(link.state, Link.channel, tag, 0)
                case .requeue: unsafe amqp_basic_reject(link.state, Link.channel, tag, 1)
                }
            try link.check(status: status, "settling a delivery")
        }
    }

    /// One delivery that is already here; nil when there is none. Answers heartbeats by the way.
    private func receive(_ link: Link) throws(AMQPError) -> AMQPDelivery? {
        var envelope = unsafe amqp_envelope_t()
        var now = timeval(tv_sec: 0, tv_usec: 0)
        unsafe amqp_maybe_release_buffers(link.state)
        let reply = unsafe amqp_consume_message(link.state, &envelope, &now, 0)
        if unsafe reply.reply_type == AMQP_RESPONSE_NORMAL {
            defer { unsafe amqp_destroy_envelope(&envelope) }
            return unsafe AMQPDelivery(envelope)
        }
        if unsafe reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION {
            if unsafe reply.library_error == AMQP_STATUS_TIMEOUT.rawValue { return nil }
            if unsafe reply.library_error == AMQP_STATUS_UNEXPECTED_STATE.rawValue { throw try otherMethod(link) }
        }
        try unsafe link.check(reply, "consuming")
        return nil
    }

    /// What came instead of a delivery: the broker ends the consumer, the channel or the connection.
    private func otherMethod(_ link: Link) throws(AMQPError) -> AMQPError {
        var frame = unsafe amqp_frame_t()
        try link.check(status: unsafe amqp_simple_wait_frame(link.state, &frame), "consuming")
        let method = unsafe frame.payload.method
        if unsafe Int64(method.id) == Int64(AMQP_BASIC_CANCEL_METHOD) {
            return AMQPError(.connection, "the queue was deleted")
        }
        return unsafe link.closed(method, "consuming")
    }
}

extension AMQPDelivery {
    fileprivate init(_ envelope: amqp_envelope_t) {
        let body = unsafe envelope.message.body
        unsafe self.init(
            queue: envelope.consumer_tag.string,
            messageID: envelope.message.properties._flags & amqp_flags_t(AMQP_BASIC_MESSAGE_ID_FLAG) != 0
                ? envelope.message.properties.message_id.string : "",
            routingKey: envelope.routing_key.string,
            redelivered: envelope.redelivered != 0,
            headers: envelope.message.properties._flags & amqp_flags_t(AMQP_BASIC_HEADERS_FLAG) != 0
                ? envelope.message.properties.headers.texts : [:],
            body: body.bytes.map { unsafe Data(bytes: $0, count: body.len) } ?? Data(),
            tag: envelope.delivery_tag
        )
    }
}

/// Dispositions on their way to the channel's thread, and the bell that wakes it from waiting for the broker.
private final class Outbox: Sendable {
    private let waiting = Mutex<[(tag: UInt64, disposition: AMQPDisposition)]>([])
    private let bell = gantry_eventfd()

    deinit {
        Glibc.close(bell)
    }

    func add(_ tag: UInt64, _ disposition: AMQPDisposition) {
        waiting.withLock { $0.append((tag, disposition)) }
        ring()
    }

    func ring() {
        _ = eventfd_write(bell, 1)
    }

    func take() -> [(tag: UInt64, disposition: AMQPDisposition)] {
        waiting.withLock { waiting in
            defer { waiting.removeAll() }
            return waiting
        }
    }

    func wait(orReadable socket: Int32, milliseconds: Int32) {
        var descriptors = [
            pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
            pollfd(fd: bell, events: Int16(POLLIN), revents: 0),
        ]
        _ = unsafe poll(&descriptors, 2, milliseconds)
        var rings: eventfd_t = 0
        _ = unsafe eventfd_read(bell, &rings)
    }
}
