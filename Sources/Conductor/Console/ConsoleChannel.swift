// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOWebSocket

/// HTTP/1.1 connections of which those that ask for a console's WebSocket become one.
///
/// By hand, since no package for WebSockets goes with the server that we use; the protocol itself is SwiftNIO's.
struct ConsoleChannel: ServerChildChannel, HTTPChannelHandler {
    let responder: HTTPChannelHandler.Responder
    let relay: ConsoleRelay
    /// Whether TLS is below.
    let isSecure: Bool

    /// A browser's messages are keys and the mouse; a pasted text is the largest.
    private static let maximumFrame = 1 << 20

    typealias HTTPConnection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    typealias WebSocket = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    enum Choice: Sendable {
        case http(HTTPConnection)
        case console(WebSocket, token: String)
    }

    /// A connection whose first request says what it is.
    struct Value: ServerChildChannelValue {
        let choice: EventLoopFuture<Choice>
        let channel: any Channel
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(CloseWhenQuiescing())
            var configuration = NIOUpgradableHTTPServerPipelineConfiguration(
                upgradeConfiguration: .init(upgraders: [Self.upgrader]) { channel in
                    channel.eventLoop.makeCompletedFuture { try .http(plain(channel, logger)) }
                }
            )
            // As the server's own channel does it: pipelining is dealt with further up.
            configuration.enablePipelining = false
            configuration.enableResponseHeaderValidation = false
            let choice = try pipeline.configureUpgradableHTTPServerPipeline(configuration: configuration)
            let upgrade = try pipeline.handler(type: NIOTypedHTTPServerUpgradeHandler<Choice>.self)
            try pipeline.addHandler(ConsoleUpgradesOnly(), position: .before(upgrade))
            return Value(choice: choice, channel: channel)
        }
    }

    private func plain(_ channel: any Channel, _ logger: Logger) throws -> HTTPConnection {
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTP1ToHTTPServerCodec(secure: isSecure))
        try pipeline.addHandler(HTTPConnectionStateHandler(logger: logger))
        return try HTTPConnection(
            wrappingChannelSynchronously: channel,
            configuration: .init(isOutboundHalfClosureEnabled: true)
        )
    }

    private static var upgrader: NIOTypedWebSocketServerUpgrader<Choice> {
        NIOTypedWebSocketServerUpgrader(
            maxFrameSize: maximumFrame,
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture([:]) },
            upgradePipelineHandler: { channel, head in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    pipeline.removeHandler(try pipeline.handler(type: ConsoleUpgradesOnly.self), promise: nil)
                    let token = ConsoleAddress.token(in: head.uri) ?? ""
                    return .console(try WebSocket(wrappingChannelSynchronously: channel), token: token)
                }
            }
        )
    }

    func handle(value: Value, logger: Logger) async {
        do {
            switch try await value.choice.get() {
            case .http(let connection): await handleHTTP(asyncChannel: connection, logger: logger)
            case .console(let socket, let token): await ConsoleVisit(token, relay, logger).serve(socket)
            }
        } catch {
            logger.debug("A connection ended before its first request", metadata: ["error": "\(error)"])
            value.channel.close(promise: nil)
        }
    }
}

extension HTTPServerBuilder {
    /// HTTP/1.1 with the WebSockets of consoles.
    static func http1(consoles: ConsoleRelay, isSecure: Bool = false) -> HTTPServerBuilder {
        HTTPServerBuilder { ConsoleChannel(responder: $0, relay: consoles, isSecure: isSecure) }
    }
}

/// Makes other upgrades than to a console's WebSocket plain requests, and ends what is no HTTP. SwiftNIO's upgrade
/// handler loses a request whose upgrade is refused, so that it were never answered, and waits on after an error.
private final class ConsoleUpgradesOnly: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), !Self.isForConsole(head) else {
            return context.fireChannelRead(data)
        }
        head.headers.remove(name: "upgrade")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// The handler before this one has answered 400.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    /// Whether nothing speaks against the handshake of RFC 6455, section 4.2.1.
    private static func isForConsole(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && ConsoleAddress.token(in: head.uri) != nil
            && head.headers[canonicalForm: "upgrade"].map { $0.lowercased() } == ["websocket"]
            && head.headers[canonicalForm: "sec-websocket-version"] == ["13"]
            && head.headers["sec-websocket-key"].count == 1
    }
}

/// Ends a connection that nobody is in the middle of a request on, when the server stops.
private final class CloseWhenQuiescing: ChannelInboundHandler {
    typealias InboundIn = Any
    typealias InboundOut = Any

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        let pipeline = context.pipeline.syncOperations
        // A connection of HTTP's knows better when.
        if event is ChannelShouldQuiesceEvent, (try? pipeline.handler(type: HTTPConnectionStateHandler.self)) == nil {
            context.close(promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }
}
