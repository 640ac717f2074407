// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Libvirt
package import Logging

/// This host's libvirt, connected to again whenever the connection broke.
///
/// Looks have a connection of their own: a call that changes a domain waits for its QEMU, and one that hangs must not
/// blind the agent to all others. So have questions to guests, which may let us wait as long as they like, and
/// measurements, which ask every QEMU.
package struct Hypervisor: Sendable {
    package enum Purpose: Sendable { case look, change, question, measurement }

    private let uri: String
    private let looks: HypervisorLink
    private let changes: HypervisorLink
    private let questions: HypervisorLink
    private let measurements: HypervisorLink

    package init(uri: String, logger: Logger) {
        let events = AsyncStream.makeStream(of: LibvirtEvent.self, bufferingPolicy: .bufferingNewest(1000))
        (self.uri, self.events) = (uri, events.stream)
        looks = HypervisorLink(uri: uri, events: events.continuation, logger: logger)
        changes = HypervisorLink(uri: uri, events: nil, logger: logger)
        questions = HypervisorLink(uri: uri, events: nil, logger: logger)
        measurements = HypervisorLink(uri: uri, events: nil, logger: logger)
    }

    /// Events of every connection, for one reader.
    package let events: AsyncStream<LibvirtEvent>

    /// Lends a connection for one call that may take minutes, as the start of a guest with much memory does. No other
    /// machine waits for it.
    ///
    /// - Throws: `hypervisor_unreachable`, or what `body` throws.
    package func withOwnConnection(_ body: (LibvirtConnection) async throws -> Void) async throws {
        let connection = LibvirtConnection()
        do {
            try await connection.open(uri: uri)
        } catch {
            throw Fault(.hypervisorUnreachable, "The node's hypervisor does not answer.")
        }
        do {
            try await body(connection)
        } catch {
            await connection.close()
            throw error
        }
        await connection.close()
    }

    /// A connection, open.
    ///
    /// - Throws: `hypervisor_unreachable`.
    package func connected(to purpose: Purpose) async throws(Fault) -> LibvirtConnection {
        switch purpose {
        case .look: try await looks.connected()
        case .change: try await changes.connected()
        case .question: try await questions.connected()
        case .measurement: try await measurements.connected()
        }
    }
}

private actor HypervisorLink {
    private let uri: String
    /// Where events go; nil for a connection that listens to none.
    private let events: AsyncStream<LibvirtEvent>.Continuation?
    private let logger: Logger
    private let connection = LibvirtConnection()
    private var forwarding: Task<Void, Never>?
    private var wasConnected = false

    init(uri: String, events: AsyncStream<LibvirtEvent>.Continuation?, logger: Logger) {
        (self.uri, self.events, self.logger) = (uri, events, logger)
    }

    func connected() async throws(Fault) -> LibvirtConnection {
        do {
            guard try await connection.openIfNeeded(uri: uri) else { return connection }
            if let events { forward(try await connection.events(), to: events) }
        } catch {
            logger.warning("libvirt does not answer", metadata: ["libvirt.uri": "\(uri)", "error": "\(error)"])
            throw Fault(.hypervisorUnreachable, "The node's hypervisor does not answer.")
        }
        logger.info("Connected to libvirt", metadata: ["libvirt.uri": "\(uri)"])
        // Nobody told what happened in between.
        if wasConnected { events?.yield(.connectionLost) }
        wasConnected = true
        return connection
    }

    private func forward(_ stream: AsyncStream<LibvirtEvent>, to events: AsyncStream<LibvirtEvent>.Continuation) {
        forwarding?.cancel()
        forwarding = Task {
            for await event in stream { events.yield(event) }
        }
    }
}
