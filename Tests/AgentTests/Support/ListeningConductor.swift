// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol

/// A conductor that keeps what it is told, and answers as a test says.
actor ListeningConductor: ConductorConnection {
    private(set) var reports: [NodeReport] = []
    private(set) var metrics: [NodeMetrics] = []
    private(set) var sessions: [NodeSessionRequest] = []
    private(set) var asked: [Int64?] = []
    private(set) var credentials: [NodeCredentialsRequest] = []
    private(set) var outcomes: [MachineJobID: [MachineJobOutcome]] = [:]
    private var failures: [ConductorError] = []
    private var lastingFailure: ConductorError?
    /// How many calls were answered with an error.
    private(set) var refusals = 0
    private var abandoned: [MachineTask] = []
    private var desired = DesiredState(revision: 1, machines: [], floatingIPPools: [])

    /// Which rotation of the node's secrets the answers to reports ask for.
    private var rotation: Int64?

    /// What was told of machines, oldest first.
    var machines: [MachineReport] { reports.flatMap(\.machines) }

    /// Answers the next calls with these errors.
    func fail(_ errors: ConductorError...) { failures += errors }

    /// Answers every call with this error; with nil as before.
    func failAlways(_ error: ConductorError?) { lastingFailure = error }

    /// Whether it has answered with all of them.
    var hasFailed: Bool { failures.isEmpty }

    func want(_ machines: [MachineTask], pools: [Subnet] = []) {
        desired = DesiredState(revision: desired.revision + 1, machines: machines, floatingIPPools: pools)
    }

    func want(rotation: Int64?) { self.rotation = rotation }

    /// Says at the begin of each session that these are elsewhere.
    func abandon(_ tasks: [MachineTask]) { abandoned = tasks }

    func openSession(_ request: NodeSessionRequest) throws -> NodeSession {
        try answer()
        sessions.append(request)
        return NodeSession(
            epoch: Int64(sessions.count),
            nodeID: NodeID(1),
            queue: "gantry.node.n1",
            reportInterval: 1,
            desiredInterval: 1,
            floatingIPPools: [],
            abandoned: abandoned
        )
    }

    func send(_ report: NodeReport) throws -> ReportReceipt {
        try answer()
        reports.append(report)
        return ReportReceipt(revision: desired.revision, rotation: rotation)
    }

    func send(_ metrics: NodeMetrics) throws {
        try answer()
        self.metrics.append(metrics)
    }

    func desired(since revision: Int64?) throws -> DesiredState? {
        try answer()
        asked.append(revision)
        return revision == desired.revision ? nil : desired
    }

    func finish(_ job: MachineJobID, _ outcome: MachineJobOutcome) throws {
        try answer()
        outcomes[job, default: []].append(outcome)
    }

    func send(_ credentials: NodeCredentialsRequest) throws {
        self.credentials.append(credentials)
        try answer()
    }

    private func answer() throws {
        guard let error = lastingFailure ?? failures.first else { return }
        refusals += 1
        if lastingFailure == nil { failures.removeFirst() }
        throw error
    }
}
