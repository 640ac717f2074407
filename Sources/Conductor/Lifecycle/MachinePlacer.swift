// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Placement
package import Postgres

/// Places again what has left its node because the node could not build it.
package struct MachinePlacer: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let outbox: OutboxSignal

    /// How many nodes are tried for one machine.
    static let maximumNodes = 3

    package init(database: Database, limits: PhaseTimeLimits, outbox: OutboxSignal) {
        (self.database, self.limits, self.outbox) = (database, limits, outbox)
    }

    /// Gives the machine another node than those tried, or an ERROR with the reason. Does nothing when it is placed,
    /// deleted or in other hands already.
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

    private static func place(
        _ id: VirtualMachineID,
        _ limits: PhaseTimeLimits,
        _ transaction: Transaction
    ) throws -> Bool {
        let rows = try transaction.query(
            """
            SELECT \(raw: StoredMachine.columns), vm.vcpus, vm.memory_mib, vm.disk_gib, vm.gpu_type, vm.gpu_count,
                e.region_id, r.name AS region, f.name AS flavor
            FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id JOIN region r ON r.id = e.region_id
                JOIN flavor f ON f.id = vm.flavor_id
            WHERE vm.id = \(id) AND vm.node_id IS NULL AND vm.phase = 'creating' FOR UPDATE OF vm SKIP LOCKED
            """
        )
        guard let row = rows.first else { return false }
        let machine = try StoredMachine(row)
        let search = try CapacitySearch(
            region: row["region_id"],
            request: PlacementRequest(
                resources: row.resources,
                gpus: GPURequest(type: row["gpu_type"], count: row["gpu_count"])
            ),
            excluded: machine.triedNodes,
            reachable: StorageNeed.nodes(for: id, transaction)
        )
        var transition = MachineTransition(of: machine)
        guard let choice = try choose(search, for: machine, transaction) else {
            let shortage = try CapacityShortage.count(search, transaction)
                .refusal(flavor: row["flavor"], region: row["region"], placed: 0, count: 1)
            transition.giveUp(shortage.message)
            return try TransitionWriter(limits: limits).write([transition], node: nil, transaction)
        }
        try search.claim(choice, for: id, transaction)
        transition.move(to: choice.node)
        return try TransitionWriter(limits: limits).write([transition], node: choice.node, transaction)
    }

    private static func choose(
        _ search: CapacitySearch,
        for machine: StoredMachine,
        _ transaction: Transaction
    ) throws -> NodeChoice? {
        guard machine.triedNodes.count < maximumNodes else { return nil }
        let seed = PlacementSeed(machine.uuid)
        let candidates = try search.candidates(from: seed, limit: 8, transaction)
        return Placement.choices(for: search.request, among: candidates, seed: seed).first
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
        let fault = Fault(.noCapacity, "\(machine.triedNodes.count) nodes could not build it. \(shortage)\(last)")
        machine.fault = fault
        follow(.fail)
        events.append(MachineEvent(.warning, .creationFailed, fault.message))
    }
}
