// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
package import GantryModel
import Libvirt
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix

/// Joins tenants to their machines' displays. The agent dials out, so that no port of the host leads to a guest's VNC.
package actor Consoles {
    private let hypervisor: Hypervisor
    private let client: HTTPClient
    private let conductorURL: String
    private let node: NodeName
    private let key: @Sendable () -> String
    private let logger: Logger
    private var sessions: [MachineJobID: Task<Void, Never>] = [:]

    /// - Parameters:
    ///   - hypervisor: Hands out connections to displays.
    ///   - client: Lent for the life of this value. It takes silence for nothing: a display may not change for hours.
    ///   - conductorURL: The conductor's address, without a path.
    ///   - node: This node.
    ///   - key: The node's API key, asked for at each request.
    ///   - logger: For what was refused.
    package init(
        hypervisor: Hypervisor,
        client: HTTPClient,
        conductorURL: String,
        node: NodeName,
        key: @escaping @Sendable () -> String,
        logger: Logger
    ) {
        (self.hypervisor, self.client, self.conductorURL) = (hypervisor, client, conductorURL)
        (self.node, self.key, self.logger) = (node, key, logger)
    }

    /// Connects a display with the conductor that asks for it. What goes between them goes on after this returns.
    ///
    /// - Parameters:
    ///   - job: The conductor's name for it.
    ///   - machine: Whose display.
    ///   - conductor: Where to; nil for the conductor that the agent knows.
    /// - Throws: when there is no display, or the conductor does not want it.
    package func open(_ job: MachineJobID, of machine: MachineUUID, conductor: String?) async throws(Fault) {
        let display = try await display(of: machine)
        let base = conductor ?? conductorURL
        let request = request("\(base.hasSuffix("/") ? String(base.dropLast()) : base)", job)
        let (answers, answer) = AsyncStream.makeStream(of: Result<Void, Fault>.self)
        sessions[job] = Task {
            do {
                try await Self.join(display, request, client) { answer.yield(.success(())) }
            } catch {
                logger.notice("A console ended", metadata: ["job.id": "\(job)", "error": "\(error)"])
            }
            answer.yield(.failure(Fault(.hostCommandFailed, "The console could not be connected.")))
            answer.finish()
            self.ended(job)
        }
        for await result in answers { return try result.get() }
    }

    /// Ends all of them.
    package func close() {
        for session in sessions.values { session.cancel() }
    }

    private func ended(_ job: MachineJobID) {
        sessions[job] = nil
    }

    private func display(of machine: MachineUUID) async throws(Fault) -> Display {
        let connection = try await hypervisor.connected(to: .change)
        do {
            let socket = try await connection.openGraphics("\(machine)")
            return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .withConnectedSocket(socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
        } catch {
            logger.notice("A display is not to be had", metadata: ["vm.uuid": "\(machine)", "error": "\(error)"])
            throw Fault(.hypervisorRefused, "The machine's display cannot be reached.")
        }
    }

    private func request(_ base: String, _ job: MachineJobID) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(base)/v1/internal/nodes/\(node)/consoles/\(job)")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(key())")
        request.headers.add(name: "content-type", value: "application/octet-stream")
        return request
    }

    private typealias Display = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    /// The request's body is what the display sends, the answer's what the tenant sends, both at once.
    private static func join(
        _ display: Display,
        _ request: HTTPClientRequest,
        _ client: HTTPClient,
        onAnswer: () -> Void
    ) async throws {
        try await display.executeThenClose { inbound, outbound in
            var request = request
            request.body = .stream(inbound, length: .unknown)
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.status == .ok else { throw ConductorError.refused(status: response.status.code, "") }
            onAnswer()
            for try await bytes in response.body { try await outbound.write(bytes) }
        }
    }
}
