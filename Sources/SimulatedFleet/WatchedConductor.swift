// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol

/// A node's way to the conductor that lets a watch see which reports were taken.
struct WatchedConductor: ConductorConnection {
    let conductor: ConductorClient
    let watch: MachineWatch

    func openSession(_ request: NodeSessionRequest) async throws -> NodeSession {
        try await conductor.openSession(request)
    }

    func send(_ report: NodeReport) async throws -> ReportReceipt {
        let receipt = try await conductor.send(report)
        watch.received(report)
        return receipt
    }

    func send(_ metrics: NodeMetrics) async throws {
        try await conductor.send(metrics)
    }

    func desired(since revision: Int64?) async throws -> DesiredState? {
        try await conductor.desired(since: revision)
    }

    func finish(_ job: MachineJobID, _ outcome: MachineJobOutcome) async throws {
        try await conductor.finish(job, outcome)
    }

    func send(_ credentials: NodeCredentialsRequest) async throws {
        try await conductor.send(credentials)
    }
}
