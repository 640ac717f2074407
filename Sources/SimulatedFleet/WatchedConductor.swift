// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import Synchronization

/// A node's way to the conductor, which can be cut, and lets a watch see which reports were taken.
final class WatchedConductor: ConductorConnection {
    private let conductor: ConductorClient
    private let watch: MachineWatch
    private let isConnected = Mutex(true)

    init(conductor: ConductorClient, watch: MachineWatch) {
        (self.conductor, self.watch) = (conductor, watch)
    }

    func connect(_ isConnected: Bool) { self.isConnected.withLock { $0 = isConnected } }

    private var reached: ConductorClient {
        get throws {
            guard isConnected.withLock({ $0 }) else { throw ConductorError.unavailable("the way is cut") }
            return conductor
        }
    }

    func openSession(_ request: NodeSessionRequest) async throws -> NodeSession {
        try await reached.openSession(request)
    }

    func send(_ report: NodeReport) async throws -> ReportReceipt {
        let receipt = try await reached.send(report)
        watch.received(report)
        return receipt
    }

    func send(_ metrics: NodeMetrics) async throws {
        try await reached.send(metrics)
    }

    func desired(since revision: Int64?) async throws -> DesiredState? {
        try await reached.desired(since: revision)
    }

    func finish(_ job: MachineJobID, _ outcome: MachineJobOutcome) async throws {
        try await reached.finish(job, outcome)
    }

    func send(_ credentials: NodeCredentialsRequest) async throws {
        try await reached.send(credentials)
    }
}
