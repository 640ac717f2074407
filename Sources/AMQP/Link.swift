// SPDX-License-Identifier: Apache-2.0

import CRabbitMQ
import Glibc

/// One connection with one open channel, used on one thread alone.
@safe
final class Link {
    static let channel: amqp_channel_t = 1

    let state: amqp_connection_state_t
    private let timeout: Int

    /// Connects, logs in and opens the channel. Blocks up to the configuration's time-out for each step.
    ///
    /// - Parameters:
    ///   - configuration: Where to, and as whom.
    ///   - heartbeat: Seconds after which each side takes the silent other for gone; 0 for whoever is silent for longer.
    /// - Throws: what kept it from being ready.
    init(_ configuration: AMQPConfiguration, heartbeat: Int) throws(AMQPError) {
        guard let state = unsafe amqp_new_connection() else { throw AMQPError(.connection, "out of memory") }
        unsafe self.state = unsafe state
        timeout = configuration.timeout
        try open(configuration, heartbeat)
    }

    deinit {
        // The broker sees an orderly end where the connection still works; errors do not matter any more.
        _ = unsafe amqp_connection_close(state, AMQP_REPLY_SUCCESS)
        _ = unsafe amqp_destroy_connection(state)
    }

    var socket: Int32 { unsafe amqp_get_sockfd(state) }

    private func open(_ configuration: AMQPConfiguration, _ heartbeat: Int) throws(AMQPError) {
        let socket = try unsafe makeSocket(configuration)
        var deadline = timeval(tv_sec: configuration.timeout, tv_usec: 0)
        let opened = unsafe amqp_socket_open_noblock(socket, configuration.host, Int32(configuration.port), &deadline)
        try Self.checkCertificate(opened, configuration)
        try check(status: opened, "cannot connect to \(configuration.host):\(configuration.port)")
        watchPath()
        _ = unsafe amqp_set_handshake_timeout(state, &deadline)
        _ = unsafe amqp_set_rpc_timeout(state, &deadline)
        let login = unsafe gantry_amqp_login(
            state,
            configuration.virtualHost,
            0,
            AMQP_DEFAULT_FRAME_SIZE,
            Int32(heartbeat),
            configuration.user,
            configuration.password
        )
        try unsafe check(login, "login as \(configuration.user)")
        _ = unsafe amqp_channel_open(state, Self.channel)
        try checkLast("opening a channel")
    }

    /// What the library says of a certificate that it does not take, it says of any: a name that is another, or no trust.
    private static func checkCertificate(_ status: Int32, _ configuration: AMQPConfiguration) throws(AMQPError) {
        switch status {
        case AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED.rawValue:
            throw AMQPError(.connection, "the broker's certificate is for another name than \(configuration.host)")
        case AMQP_STATUS_SSL_PEER_VERIFY_FAILED.rawValue:
            throw AMQPError(
                .connection,
                "the broker's certificate has expired, or is not from an authority in \(configuration.authorities)"
            )
        default: return
        }
    }

    /// Has the kernel find out within half a minute that the broker's host or the path to it is gone (tcp(7)), and keeps
    /// routers on the way from forgetting the connection.
    private func watchPath() {
        setOption(SOL_SOCKET, SO_KEEPALIVE, 1)
        setOption(Int32(IPPROTO_TCP), TCP_KEEPIDLE, 10)
        setOption(Int32(IPPROTO_TCP), TCP_KEEPINTVL, 5)
        setOption(Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }

    /// Without an option, an answer's time-out still ends the connection.
    private func setOption(_ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        _ = unsafe setsockopt(socket, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    @unsafe
    private func makeSocket(_ configuration: AMQPConfiguration) throws(AMQPError) -> OpaquePointer {
        guard configuration.usesTLS else {
            guard let socket = unsafe amqp_tcp_socket_new(state) else {
                throw AMQPError(.connection, "out of memory")
            }
            return unsafe socket
        }
        guard let socket = unsafe amqp_ssl_socket_new(state) else { throw AMQPError(.connection, "out of memory") }
        try check(
            status: unsafe amqp_ssl_socket_set_cacert(socket, configuration.authorities),
            "cannot read the certificate authorities in \(configuration.authorities)"
        )
        unsafe amqp_ssl_socket_set_verify_peer(socket, 1)
        unsafe amqp_ssl_socket_set_verify_hostname(socket, 1)
        return unsafe socket
    }

    /// Checks the answer to the last synchronous call.
    func checkLast(_ what: String) throws(AMQPError) {
        try unsafe check(amqp_get_rpc_reply(state), what)
    }

    func check(status: Int32, _ what: String) throws(AMQPError) {
        guard status != AMQP_STATUS_OK.rawValue else { return }
        let kind: AMQPError.Kind = status == AMQP_STATUS_TIMEOUT.rawValue ? .timeout : .connection
        throw AMQPError(kind, unsafe "\(what): \(String(cString: amqp_error_string2(status)))")
    }

    @unsafe
    func check(_ reply: amqp_rpc_reply_t, _ what: String) throws(AMQPError) {
        switch unsafe reply.reply_type {
        case AMQP_RESPONSE_NORMAL:
            return
        case AMQP_RESPONSE_LIBRARY_EXCEPTION:
            try check(status: unsafe reply.library_error, what)
            throw AMQPError(.connection, what)
        default:
            throw unsafe closed(reply.reply, what)
        }
    }

    /// The error in a `channel.close` or `connection.close` that the broker sent.
    @unsafe
    func closed(_ method: amqp_method_t, _ what: String) -> AMQPError {
        guard let decoded = unsafe method.decoded else { return AMQPError(.connection, what) }
        switch unsafe Int64(method.id) {
        case Int64(AMQP_CHANNEL_CLOSE_METHOD):
            let close = unsafe decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            return unsafe AMQPError(.refused(code: Int(close.reply_code)), "\(what): \(close.reply_text.string)")
        case Int64(AMQP_CONNECTION_CLOSE_METHOD):
            let close = unsafe decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            return unsafe AMQPError(.refused(code: Int(close.reply_code)), "\(what): \(close.reply_text.string)")
        default:
            return unsafe AMQPError(.connection, "\(what): unexpected method \(method.id)")
        }
    }
}

extension amqp_bytes_t {
    /// A copy as text.
    var string: String {
        guard let bytes = unsafe bytes else { return "" }
        return unsafe String(decoding: UnsafeRawBufferPointer(start: bytes, count: len), as: UTF8.self)
    }
}

/// Lends a string's bytes to a call that does not keep them.
func withBytes<Value>(_ text: String, _ body: (amqp_bytes_t) throws -> Value) rethrows -> Value {
    try unsafe withBytes(Array(text.utf8), body)
}

/// Lends bytes to a call that does not keep them.
func withBytes<Value>(_ bytes: [UInt8], _ body: (amqp_bytes_t) throws -> Value) rethrows -> Value {
    try unsafe bytes.withUnsafeBytes { buffer in
        // The library takes a mutable pointer and does not write.
        try unsafe body(amqp_bytes_t(len: buffer.count, bytes: UnsafeMutableRawPointer(mutating: buffer.baseAddress)))
    }
}
