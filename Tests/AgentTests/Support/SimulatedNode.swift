// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryModel
import GantryProtocol
import SimulatedHost

/// The agent's decisions over a simulated host, with nothing around them: what it tells goes to a ``Listener``.
struct SimulatedNode: Sendable {
    let host: SimulatedHost
    let journal: TaskJournal
    let listener: Listener
    /// Takes what jobs come to.
    let conductor: ListeningConductor
    let supervisor: Supervisor
    let consumer: TaskConsumer

    /// - Parameters:
    ///   - folder: Where the journal is, or will be.
    ///   - host: One that another node may have left.
    ///   - listener: Where reports go.
    ///   - conductor: Where jobs' outcomes go.
    ///   - orphanPolicy: As an operator sets it.
    ///   - slots: How many machines are worked on at once.
    ///   - observer: Told of each step.
    /// - Throws: When the journal cannot be read.
    init(
        folder: String,
        host: SimulatedHost = SimulatedHost(),
        listener: Listener = Listener(),
        conductor: ListeningConductor = ListeningConductor(),
        orphanPolicy: Supervisor.OrphanPolicy = .report,
        slots: Int = 8,
        observer: StepObserver = StepObserver()
    ) throws {
        (self.host, self.listener, self.conductor) = (host, listener, conductor)
        journal = try TaskJournal(directory: "\(folder)/journal", logger: Example.logger)
        let node = try NodeName(Example.node)
        supervisor = Supervisor(
            MachineWorker.Tools(
                node: node,
                host: host,
                journal: journal,
                reporter: listener,
                observer: observer,
                slots: AsyncSemaphore(slots),
                retryDelays: .milliseconds(2)...(.milliseconds(20)),
                logger: Example.logger
            ),
            jobs: JobRunner(
                host: host,
                journal: journal,
                conductor: conductor,
                retryDelays: .milliseconds(2)...(.milliseconds(20)),
                logger: Example.logger
            ),
            orphanPolicy: orphanPolicy
        )
        consumer = TaskConsumer(node: node, supervisor: supervisor, pause: .zero, logger: Example.logger)
    }

    /// What an agent does at its start, before its first task.
    func start() async {
        // Only what is abandoned can fail.
        try? await start(abandoned: [])
    }

    /// What an agent does at its start on a node that was declared dead.
    func start(abandoned: [MachineTask]) async throws {
        await host.startAgent()
        try await supervisor.begin(floatingIPPools: [], abandoned: abandoned)
    }
}

/// Keeps what workers tell, and lets them believe that the conductor has taken it.
actor Listener: MachineReporting {
    private(set) var reports: [MachineReport] = []
    /// What was told of progress.
    private(set) var notes: [MachineReport] = []
    /// Whether the conductor takes what it is told.
    private let isListening: Bool
    private let witness: @Sendable (MachineReport) async -> Void

    init(isListening: Bool = true, witness: @escaping @Sendable (MachineReport) async -> Void = { _ in }) {
        (self.isListening, self.witness) = (isListening, witness)
    }

    func report(_ report: MachineReport, received: (@Sendable () async -> Void)?) async {
        reports.append(report)
        await witness(report)
        if isListening { await received?() }
    }

    func note(_ report: MachineReport) {
        notes.append(report)
    }

    var activities: [Activity] { notes.compactMap(\.activity) }

    /// What was last told of a machine, and is no progress.
    func last(_ uuid: MachineUUID) -> MachineReport? {
        reports.last { $0.uuid == uuid && $0.activity == nil }
    }
}
