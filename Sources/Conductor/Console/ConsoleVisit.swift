// SPDX-License-Identifier: Apache-2.0

import AsyncAlgorithms
import Logging
import NIOCore
import NIOWebSocket

/// A browser's WebSocket for as long as it is open. Its messages are VNC's bytes, however they are cut.
struct ConsoleVisit: Sendable {
    private let token: String
    private let relay: ConsoleRelay
    private let logger: Logger

    /// How long a browser waits for the node's agent.
    private static let patience = Duration.seconds(30)
    /// A forgotten window does not keep a display for ever.
    private static let maximumDuration = Duration.seconds(8 * 3600)

    init(_ token: String, _ relay: ConsoleRelay, _ logger: Logger) {
        (self.token, self.relay, self.logger) = (token, relay, logger)
    }

    func serve(_ socket: ConsoleChannel.WebSocket) async {
        do {
            try await socket.executeThenClose { inbound, outbound in
                let end = await visit(inbound, outbound)
                try await outbound.write(end.frame)
            }
        } catch {
            logger.debug("A console's browser went away", metadata: ["error": "\(error)"])
        }
    }

    private typealias Inbound = NIOAsyncChannelInboundStream<WebSocketFrame>
    private typealias Outbound = NIOAsyncChannelOutboundWriter<WebSocketFrame>

    /// Why a WebSocket ends, as its browser is told.
    private struct End: Sendable {
        let code: WebSocketErrorCode
        let reason: String

        init(_ code: WebSocketErrorCode, _ reason: String = "") {
            (self.code, self.reason) = (code, reason)
        }

        var frame: WebSocketFrame {
            var data = ByteBufferAllocator().buffer(capacity: 2 + reason.utf8.count)
            data.write(webSocketErrorCode: code)
            data.writeString(reason)
            return WebSocketFrame(fin: true, opcode: .connectionClose, data: data)
        }
    }

    private func visit(_ inbound: Inbound, _ outbound: Outbound) async -> End {
        let visit: ConsoleRelay.Visit
        do {
            guard let entered = try await relay.enter(with: token) else {
                return End(.policyViolation, "This console was opened before, or too late. Request another.")
            }
            visit = entered
        } catch {
            logger.notice("A console could not be opened", metadata: ["error": "\(error)"])
            return End(.unexpectedServerError, (error as? MachineRefusal)?.message ?? "")
        }
        let end = await join(visit, inbound, outbound)
        await relay.leave(visit)
        return end
    }

    /// Goes on until either side has enough.
    private func join(_ visit: ConsoleRelay.Visit, _ inbound: Inbound, _ outbound: Outbound) async -> End {
        await withTaskGroup(of: End.self) { group in
            group.addTask { await read(visit, inbound, outbound) }
            group.addTask { await write(visit, outbound) }
            group.addTask { await watch(visit) }
            let end = await group.next() ?? End(.normalClosure)
            visit.end.finish()
            group.cancelAll()
            return end
        }
    }

    private func read(_ visit: ConsoleRelay.Visit, _ inbound: Inbound, _ outbound: Outbound) async -> End {
        do {
            for try await frame in inbound {
                switch frame.opcode {
                case .binary, .continuation: await visit.end.send(frame.unmaskedData)
                case .ping:
                    try await outbound.write(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
                case .connectionClose: return End(.normalClosure)
                case .text: return End(.unacceptableData, "A console takes binary messages.")
                default: continue
                }
            }
        } catch {
            return End(.goingAway)
        }
        return End(.normalClosure)
    }

    private func write(_ visit: ConsoleRelay.Visit, _ outbound: Outbound) async -> End {
        do {
            for await bytes in visit.end.incoming {
                try await outbound.write(WebSocketFrame(fin: true, opcode: .binary, data: bytes))
            }
        } catch {
            return End(.goingAway)
        }
        return End(.normalClosure)
    }

    private func watch(_ visit: ConsoleRelay.Visit) async -> End {
        try? await Task.sleep(for: Self.patience)
        if await relay.isWaiting(visit) {
            logger.notice("No agent came for a console", metadata: ["job.id": "\(visit.job)"])
            return End(.unexpectedServerError, "The machine's node did not come.")
        }
        try? await Task.sleep(for: Self.maximumDuration)
        return End(.goingAway)
    }
}
