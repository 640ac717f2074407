// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import Synchronization

/// A node's way to the conductor, which can be cut, and lets others see what was asked and which reports were taken.
final class WatchedConductor: ConductorConnection {
    private let node: NodeName
    private let conductor: ConductorClient
    private let watch: MachineWatch
    private let requests: RequestLog
    private let isConnected = Mutex(true)

    init(node: NodeName, conductor: ConductorClient, watch: MachineWatch, requests: RequestLog) {
        (self.node, self.conductor, self.watch, self.requests) = (node, conductor, watch, requests)
    }

    func connect(_ isConnected: Bool) { self.isConnected.withLock { $0 = isConnected } }

    func openSession(_ request: NodeSessionRequest) async throws -> NodeSession {
        try await ask { try await $0.openSession(request) }
    }

    func send(_ report: NodeReport) async throws -> ReportReceipt {
        let receipt = try await ask { try await $0.send(report) }
        watch.received(report)
        return receipt
    }

    func send(_ metrics: NodeMetrics) async throws {
        try await ask { try await $0.send(metrics) }
    }

    func desired(since revision: Int64?) async throws -> DesiredState? {
        try await ask { try await $0.desired(since: revision) }
    }

    func finish(_ job: MachineJobID, _ outcome: MachineJobOutcome) async throws {
        try await ask { try await $0.finish(job, outcome) }
    }

    func send(_ credentials: NodeCredentialsRequest) async throws {
        try await ask { try await $0.send(credentials) }
    }

    private func ask<Answer: Sendable>(
        _ question: @Sendable (ConductorClient) async throws -> Answer
    ) async throws -> Answer {
        guard isConnected.withLock({ $0 }) else { throw ConductorError.unavailable("the way is cut") }
        return try await requests.note(node) { try await question(conductor) }
    }
}
