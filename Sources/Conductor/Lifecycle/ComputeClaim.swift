// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Placement
import Postgres

/// Claims vCPUs, memory and GPUs for a machine that has its disks and nothing else, as one that was hibernated, or stopped
/// where its flavor's ``StopPolicy`` is to release.
enum ComputeClaim {
    /// - Throws: ``MachineRefusal`` with `noCapacity` or `neverFits`; ``CapacitySearch/ClaimLost``.
    static func take(for machine: StoredMachine, _ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT e.region_id, f.name AS flavor, vm.vcpus, vm.memory_mib, vm.gpu_type, vm.gpu_count
            FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id JOIN flavor f ON f.id = vm.flavor_id
            WHERE vm.id = \(machine.id)
            """
        )
        guard let row = rows.first else { throw MachineLifecycle.notFound(machine.id) }
        let search = try CapacitySearch(
            region: row["region_id"],
            request: PlacementRequest(
                resources: Resources(vcpus: row["vcpus"], memoryMiB: row["memory_mib"], diskGiB: 0),
                gpus: GPURequest(type: row["gpu_type"], count: row["gpu_count"])
            ),
            reachable: machine.nodesWithDisks
        )
        let seed = PlacementSeed(machine.uuid)
        let candidates = try search.candidates(from: seed, limit: 8, transaction)
        guard let choice = Placement.choices(for: search.request, among: candidates, seed: seed).first else {
            throw try CapacityShortage.count(search, transaction).refusal(machine: machine.name, flavor: row["flavor"])
        }
        try search.claim(choice, for: machine.id, transaction)
    }
}

extension StoredMachine {
    /// The nodes where its disks can be reached. They are on the storage of its own node, so it is that one alone.
    var nodesWithDisks: [NodeID] { nodeID.map { [$0] } ?? [] }
}
