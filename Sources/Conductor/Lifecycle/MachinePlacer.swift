// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Placement
package import Postgres

/// Places again what has left its node: since the node could not build it, is drained, or was declared dead.
package struct MachinePlacer: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let outbox: OutboxSignal

    /// How many nodes are tried for one machine.
    static let maximumNodes = 3

    package init(database: Database, limits: PhaseTimeLimits, outbox: OutboxSignal) {
        (self.database, self.limits, self.outbox) = (database, limits, outbox)
    }

    /// Gives the machine another node. Where there is none, one that is being created is in ERROR with the reason, and any
    /// other waits. Does nothing when it is placed, deleted or in other hands already.
    package func place(_ id: VirtualMachineID) async throws {
        for _ in 0..<MachineLifecycle.maximumAttempts {
            do {
                let limits = limits
                let told = try await database.transaction { transaction in
                    try Self.place(id, limits, transaction)
                }
                if told { outbox.raise() }
                return
            } catch is CapacitySearch.ClaimLost {
                continue
            }
        }
    }

    /// Why no node but its own takes the machine now; nil when one does.
    static func shortage(for machine: StoredMachine, _ transaction: Transaction) throws -> String? {
        guard let search = try Search(machine, transaction) else { return nil }
        return try search.choice(transaction) == nil ? try search.shortage(transaction).message : nil
    }

    private static func place(
        _ id: VirtualMachineID,
        _ limits: PhaseTimeLimits,
        _ transaction: Transaction
    ) throws -> Bool {
        let rows = try transaction.query(
            """
            SELECT \(raw: StoredMachine.columns) FROM virtual_machine vm
            WHERE vm.id = \(id) AND vm.node_id IS NULL AND vm.phase IN ('creating', 'shutoff', 'hibernated')
            FOR UPDATE SKIP LOCKED
            """
        )
        guard let machine = try rows.first.map({ try StoredMachine($0) }),
            let search = try Search(machine, transaction)
        else { return false }
        var transition = MachineTransition(of: machine)
        guard let choice = try search.choice(transaction) else {
            let shortage = try search.shortage(transaction).message
            if machine.phase == .creating { transition.giveUp(shortage) } else { transition.waitForRoom(shortage) }
            guard transition != MachineTransition(of: machine) else { return false }
            return try TransitionWriter(limits: limits).write([transition], node: nil, transaction)
        }
        try search.claim(choice, transaction)
        if machine.phase == .creating {
            transition.move(to: choice.node)
        } else {
            transition.arrive(on: choice.node, holdingCompute: machine.needsCompute)
        }
        return try TransitionWriter(limits: limits).write([transition], node: choice.node, transaction)
    }

    /// The search for a machine's next node.
    private struct Search {
        private let machine: StoredMachine
        private let capacity: CapacitySearch
        private let flavor: String
        private let region: String

        /// Nil when the machine is gone.
        init?(_ machine: StoredMachine, _ transaction: Transaction) throws {
            let rows = try transaction.query(
                """
                SELECT vm.vcpus, vm.memory_mib, vm.disk_gib, vm.gpu_type, vm.gpu_count,
                    e.region_id, r.name AS region, f.name AS flavor
                FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id JOIN region r ON r.id = e.region_id
                    JOIN flavor f ON f.id = vm.flavor_id
                WHERE vm.id = \(machine.id)
                """
            )
            guard let row = rows.first else { return nil }
            self.machine = machine
            (flavor, region) = (try row["flavor"], try row["region"])
            let all = try row.resources
            let disk = Resources(vcpus: 0, memoryMiB: 0, diskGiB: all.diskGiB)
            capacity = try CapacitySearch(
                region: row["region_id"],
                request: machine.needsCompute
                    ? PlacementRequest(
                        resources: all,
                        gpus: GPURequest(type: row["gpu_type"], count: row["gpu_count"])
                    )
                    : PlacementRequest(resources: disk, gpus: nil),
                excluded: machine.phase == .creating ? machine.triedNodes : machine.nodeID.map { [$0] } ?? [],
                reachable: StorageNeed.nodes(for: machine.id, transaction)
            )
        }

        func choice(_ transaction: Transaction) throws -> NodeChoice? {
            guard machine.phase != .creating || machine.triedNodes.count < maximumNodes else { return nil }
            let seed = PlacementSeed(machine.uuid)
            let candidates = try capacity.candidates(from: seed, limit: 8, transaction)
            return Placement.choices(for: capacity.request, among: candidates, seed: seed).first
        }

        func claim(_ choice: NodeChoice, _ transaction: Transaction) throws {
            try capacity.claim(choice, for: machine.id, transaction)
        }

        func shortage(_ transaction: Transaction) throws -> MachineRefusal {
            try CapacityShortage.count(capacity, transaction)
                .refusal(flavor: flavor, region: region, placed: 0, count: 1)
        }
    }
}

extension StoredMachine {
    /// Whether it claims vCPUs, memory and GPUs of the node that it gets. One that is off does as its flavor's policy says.
    fileprivate var needsCompute: Bool {
        switch phase {
        case .hibernated: false
        case .shutoff: startsElsewhere || stopPolicy == .keep
        case .creating, .building, .active, .stopping, .starting, .rebooting, .hibernating, .restoring, .deleting,
            .deleted,
            .error:
            true
        }
    }
}

extension MachineTransition {
    fileprivate mutating func move(to node: NodeID) {
        machine.nodeID = node
        machine.observed = .absent
        machine.activity = nil
        machine.fault = nil
        raiseGeneration(above: machine.generation)
        entersPhase = true
    }

    fileprivate mutating func giveUp(_ shortage: String) {
        let last = machine.fault.map { " The last node said: \($0.message)" } ?? ""
        let tried =
            machine.triedNodes.isEmpty ? "Its node failed." : "\(machine.triedNodes.count) nodes could not build it."
        let fault = Fault(.noCapacity, "\(tried) \(shortage)\(last)")
        machine.fault = fault
        follow(.fail)
        events.append(MachineEvent(.warning, .creationFailed, fault.message))
    }
}
