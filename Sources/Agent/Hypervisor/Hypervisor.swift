// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Libvirt
package import Logging

/// The connection to libvirt, made again whenever it broke.
package actor Hypervisor {
    private let uri: String
    private let logger: Logger
    private let connection = LibvirtConnection()
    private var opening: Task<Void, any Error>?
    private let stream: AsyncStream<LibvirtEvent>
    private let continuation: AsyncStream<LibvirtEvent>.Continuation
    private var forwarding: Task<Void, Never>?

    package init(uri: String, logger: Logger) {
        (self.uri, self.logger) = (uri, logger)
        (stream, continuation) = AsyncStream.makeStream(of: LibvirtEvent.self, bufferingPolicy: .bufferingNewest(1000))
    }

    /// Events of every connection, for one reader.
    package nonisolated var events: AsyncStream<LibvirtEvent> { stream }

    /// The connection, open.
    ///
    /// - Throws: `hypervisor_unreachable`.
    package func connected() async throws(Fault) -> LibvirtConnection {
        if await connection.isAlive { return connection }
        let attempt = opening ?? Task { try await self.open() }
        opening = attempt
        do {
            try await attempt.value
            opening = nil
        } catch {
            opening = nil
            throw Fault(.hypervisorUnreachable, "The node's hypervisor does not answer.")
        }
        return connection
    }

    private func open() async throws {
        if await connection.isAlive { return }
        do {
            try await connection.open(uri: uri)
            let events = try await connection.events()
            logger.info("Connected to libvirt", metadata: ["libvirt.uri": "\(uri)"])
            forward(events)
        } catch {
            logger.warning("libvirt does not answer", metadata: ["libvirt.uri": "\(uri)", "error": "\(error)"])
            throw error
        }
    }

    private func forward(_ events: AsyncStream<LibvirtEvent>) {
        forwarding?.cancel()
        let continuation = continuation
        forwarding = Task {
            for await event in events { continuation.yield(event) }
        }
    }
}
