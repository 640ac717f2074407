// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// What a browser does with a console's URL, without the picture.
struct ConsoleClient: Sendable {
    private let host: String
    private let port: Int
    private let path: String

    typealias WebSocket = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    /// - Parameter url: As the API answers it; the socket's path is in its fragment.
    /// - Throws: When it is none.
    init(_ url: String) throws {
        let parts = URLComponents(string: url)
        let path = parts?.fragment?.split(separator: "&").first { $0.hasPrefix("path=") }?.dropFirst(5)
        guard let host = parts?.host, let port = parts?.port, let path else {
            throw CommandFailure(description: "this leads to no console: \(url)")
        }
        (self.host, self.port, self.path) = (host, port, "/\(path)")
    }

    /// Opens the display by VNC's handshake (RFC 6143, section 7).
    ///
    /// - Parameter ending: Something after which the console has to end; nil for no wait.
    /// - Returns: Its size in pixels; nil where nobody lets the client in any more.
    /// - Throws: When the connection breaks.
    func display(untilEndAfter ending: (() async throws -> Void)? = nil) async throws -> (width: Int, height: Int)? {
        guard let socket = try await connect() else { return nil }
        return try await socket.executeThenClose { inbound, outbound in
            var bytes = Bytes(frames: inbound.makeAsyncIterator())
            func send(_ text: [UInt8]) async throws {
                let data = ByteBuffer(bytes: text)
                try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, maskKey: .random(), data: data))
            }
            guard let version = try await bytes.first(12) else { return nil }
            try await send(version)
            let kinds = try await bytes.next(1)[0]
            guard try await bytes.next(Int(kinds)).contains(1) else { throw CommandFailure(description: "a password?") }
            try await send([1])
            guard try await bytes.next(4) == [0, 0, 0, 0] else { throw CommandFailure(description: "refused") }
            try await send([1])
            let size = try await bytes.next(4).map(Int.init)
            if let ending {
                try await ending()
                try await bytes.skip()
            }
            return (size[0] << 8 | size[1], size[2] << 8 | size[3])
        }
    }

    private func connect() async throws -> WebSocket? {
        let result = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureUpgradableHTTPClientPipeline(configuration: upgrade)
                }
            }
        return try await result.get()
    }

    private var upgrade: NIOUpgradableHTTPClientPipelineConfiguration<WebSocket?> {
        let upgrader = NIOTypedWebSocketClientUpgrader<WebSocket?> { channel, _ in
            channel.eventLoop.makeCompletedFuture { try WebSocket(wrappingChannelSynchronously: channel) }
        }
        let head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: ["host": host])
        var configuration = NIOUpgradableHTTPClientPipelineConfiguration(
            upgradeConfiguration: .init(upgradeRequestHead: head, upgraders: [upgrader]) { channel in
                channel.close(promise: nil)
                return channel.eventLoop.makeSucceededFuture(nil)
            }
        )
        // The display speaks first.
        configuration.leftOverBytesStrategy = .forwardBytes
        return configuration
    }
}

/// Bytes of frames, however they are cut.
private struct Bytes {
    var frames: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator
    private var buffer: [UInt8] = []

    init(frames: NIOAsyncChannelInboundStream<WebSocketFrame>.AsyncIterator) {
        self.frames = frames
    }

    /// Nil where there are none at all.
    mutating func first(_ count: Int) async throws -> [UInt8]? {
        guard let frame = try await frames.next(isolation: #isolation), frame.opcode == .binary else { return nil }
        buffer += frame.unmaskedData.readableBytesView
        return try await next(count)
    }

    mutating func next(_ count: Int) async throws -> [UInt8] {
        while buffer.count < count {
            guard let frame = try await frames.next(isolation: #isolation), frame.opcode == .binary else {
                throw CommandFailure(description: "the console ended")
            }
            buffer += frame.unmaskedData.readableBytesView
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    /// Goes on to the end.
    mutating func skip() async throws {
        while let frame = try await frames.next(isolation: #isolation), frame.opcode != .connectionClose { continue }
    }
}
