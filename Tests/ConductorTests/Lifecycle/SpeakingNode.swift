// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import Logging
import Postgres
import Testing

/// A node of a cloud whose agent is the test: it opens a session and reports what the test says.
actor SpeakingNode {
    let identity: NodeIdentity
    private let cloud: Cloud
    private var epoch: Int64 = 0
    private var sequence: Int64 = 0
    var inventory: NodeInventory

    /// Adds the node, opens its first session and cleans its GPUs.
    init(
        _ name: String,
        in cloud: Cloud,
        total: Resources = Resources(vcpus: 16, memoryMiB: 65536, diskGiB: 1000),
        gpus: [GPUInventory] = [],
        fabricPartitions: [FabricPartition] = []
    ) async throws {
        self.cloud = cloud
        identity = NodeIdentity(id: try await cloud.addNode(name, total), name: try NodeName(name))
        inventory = NodeInventory(
            total: total,
            reserved: .zero,
            virtType: "qemu",
            hypervisorVersion: "7.2.0",
            agentVersion: "1",
            gpus: gpus,
            fabricPartitions: fabricPartitions
        )
        try await openSession()
        if !gpus.isEmpty { try await clean() }
    }

    func set(_ inventory: NodeInventory) { self.inventory = inventory }

    /// Opens a session, as an agent does that starts.
    @discardableResult
    func openSession(
        hostname: String? = nil,
        bootID: String = "boot",
        intervals: NodeIntervals = NodeIntervals(),
        machines: [HostedMachine] = [],
        removed: [MachineUUID] = [],
        lastEpoch: Int64? = nil
    ) async throws -> NodeSession {
        let sessions = NodeSessions(database: cloud.database, intervals: intervals, logger: Logger(label: "test"))
        let request = NodeSessionRequest(
            bootID: bootID,
            hostname: hostname ?? identity.name.description,
            inventory: inventory,
            machines: machines,
            removedMachines: removed,
            lastEpoch: lastEpoch
        )
        let session = try await sessions.open(request, for: identity)
        (epoch, sequence) = (session.epoch, 0)
        return session
    }

    /// What is wanted of the node.
    func desired(unless known: Int64? = nil) async throws -> DesiredState? {
        try await NodeSessions(database: cloud.database, logger: Logger(label: "test"))
            .desired(of: identity, unless: known)
    }

    /// Sends a report, numbered after the last one unless the test says otherwise.
    @discardableResult
    func report(
        _ machines: [MachineReport] = [],
        reachable: Bool = true,
        complete: Bool = false,
        withInventory: Bool = false,
        problems: [String] = [],
        sequence given: Int64? = nil,
        epoch givenEpoch: Int64? = nil
    ) async throws -> ReportReceipt {
        sequence = max(sequence + 1, given ?? 0)
        let report = NodeReport(
            epoch: givenEpoch ?? epoch,
            bootID: "boot",
            sequence: given ?? sequence,
            collectedAt: Date(),
            complete: complete,
            hypervisorReachable: reachable,
            machines: machines,
            inventory: withInventory ? inventory : nil,
            problems: problems
        )
        return try await NodeReports(database: cloud.database, outbox: cloud.outbox, logger: Logger(label: "test"))
            .accept(report, from: identity)
    }

    /// Cleans at once the GPUs that the conductor asks for, but for busy and faulty ones, and reports it.
    func clean() async throws {
        for unclean in try await report().uncleanGPUs where !unclean.isReturned {
            for index in inventory.gpus.indices where inventory.gpus[index].address == unclean.address {
                guard inventory.gpus[index].condition == .ready else { continue }
                (inventory.gpus[index].claim, inventory.gpus[index].cleaning) = (unclean.claim, "flr")
            }
        }
        try await report(withInventory: true)
    }

    /// Does at once what is wanted of every machine of the node, and reports it.
    func converge() async throws {
        guard let desired = try await desired() else { return }
        try await report(desired.machines.map { $0.done() }, complete: true)
    }
}

extension MachineTask {
    /// The report of an agent that has done the task.
    func done(
        power: ObservedPower? = nil,
        fault: Fault? = nil,
        activity: Activity? = nil,
        guestShutDown: Bool = false
    ) -> MachineReport {
        let reached: ObservedPower =
            switch self.power {
            case .running: .running
            case .stopped, .hibernated: .stopped
            case .absent: .absent
            }
        return MachineReport(
            uuid: uuid,
            appliedGeneration: generation,
            power: power ?? reached,
            activity: activity,
            floatingIPWired: fault == nil && spec?.network.floatingIP != nil,
            bootCounter: bootCounter,
            guestShutDown: guestShutDown,
            fault: fault
        )
    }
}

extension Cloud {
    /// The machine as it is now, deleted ones too.
    func now(_ machine: VirtualMachineRecord) async throws -> VirtualMachineRecord? {
        try await store.machine(machine.id, in: organization)
    }

    /// The task for a machine as its node would get it now.
    func task(_ machine: VirtualMachineRecord) async throws -> MachineTask {
        let tasks = try await database.read {
            try MachineTaskStore.tasks(of: [machine.id], $0) { _, error in Issue.record(error) }
        }
        return try #require(tasks.first)
    }

    func perform(_ operation: MachineOperation, _ machine: VirtualMachineRecord) async throws {
        _ = try await lifecycle.perform(operation, on: machine.id, in: organization, by: user)
    }

    func createOne(_ request: MachineCreation? = nil) async throws -> VirtualMachineRecord {
        try #require(try await lifecycle.create(request ?? self.request()).machines.first)
    }
}
