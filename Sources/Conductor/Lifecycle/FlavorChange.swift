// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Placement
import Postgres

/// What becomes of a machine's size, and of its node's claims, with another flavor. The disk never shrinks; a machine that
/// boots from a volume has none of its own.
struct FlavorChange {
    private let flavor: (id: FlavorID, name: String)
    private let region: RegionID
    private let gpus: (type: String, count: Int)
    /// The machine's size afterwards.
    private let size: Resources
    /// What the machine's owner has more of, or less.
    private let growth: QuotaAmounts
    /// What has to be claimed beyond what is; negative where the flavor asks for less.
    private let difference: Resources

    /// - Throws: ``MachineRefusal`` with `notFound` for a flavor that is not there, `wrongState` for one that it has already
    ///   or whose GPUs it cannot get now, `neverFits` for one whose memory its node's huge pages cannot be.
    static func load(
        _ name: String,
        for machine: StoredMachine,
        _ transaction: Transaction
    ) throws -> FlavorChange {
        let rows = try transaction.query(
            """
            SELECT e.region_id, r.name AS region, f.id AS flavor, f.id = vm.flavor_id AS is_same,
                (f.gpu_type, f.gpu_count) = (vm.gpu_type, vm.gpu_count) AS keeps_gpus,
                f.memory_mib % coalesce(n.memory_page_mib, 1) = 0 AS is_whole,
                f.gpu_type, f.gpu_count, f.vcpus, f.memory_mib,
                CASE WHEN EXISTS (SELECT FROM volume_attachment a WHERE a.vm_id = vm.id AND a.boot) THEN vm.disk_gib
                    ELSE greatest(f.disk_gib, vm.disk_gib) END AS disk_gib,
                vm.vcpus AS old_vcpus, vm.memory_mib AS old_memory_mib, vm.disk_gib AS old_disk_gib, vm.gpu_count AS old_gpu_count
            FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id JOIN region r ON r.id = e.region_id
                LEFT JOIN flavor f ON f.region_id = r.id AND f.name = \(name) AND f.deleted_at IS NULL
                LEFT JOIN compute_node n ON n.id = vm.node_id
            WHERE vm.id = \(machine.id)
            """
        )
        guard let row = rows.first else { throw MachineLifecycle.notFound(machine.id) }
        guard let id: FlavorID = try row["flavor"] else {
            let region: String = try row["region"]
            throw MachineRefusal(.notFound, "flavor_name: there is no flavor “\(name)” in region \(region).")
        }
        guard try !row["is_same"] else {
            throw MachineRefusal(.wrongState, "VM \(machine.name) has flavor \(name) already; name another.")
        }
        // The GPUs of a machine that holds some would have to be cleaned first.
        guard try !machine.holdsCompute || row["keeps_gpus"] else {
            throw MachineRefusal(
                .wrongState,
                "Flavor \(name) has other GPUs than VM \(machine.name); they can change when it holds none, as "
                    + "when it is HIBERNATED."
            )
        }
        guard try row["is_whole"] else {
            throw MachineRefusal(
                .neverFits,
                "The node that has the disks of VM \(machine.name) has huge pages that the memory of flavor \(name) does not "
                    + "fill; choose a flavor with memory in whole GiB."
            )
        }
        return try FlavorChange((id, name), row, holdsCompute: machine.holdsCompute)
    }

    private init(_ flavor: (FlavorID, String), _ row: Row, holdsCompute: Bool) throws {
        self.flavor = flavor
        region = try row["region_id"]
        gpus = try (row["gpu_type"], row["gpu_count"])
        size = try row.resources
        let old = try Resources(
            vcpus: row["old_vcpus"],
            memoryMiB: row["old_memory_mib"],
            diskGiB: row["old_disk_gib"]
        )
        var difference = size - old
        growth = try [
            .vcpus: difference.vcpus, .memory: difference.memoryMiB, .gpus: gpus.count - row["old_gpu_count"],
        ]
        if !holdsCompute { (difference.vcpus, difference.memoryMiB) = (0, 0) }
        self.difference = difference
    }

    /// Claims the difference and writes the new size.
    ///
    /// - Throws: ``QuotaExceeded``; ``MachineRefusal`` with `noCapacity` or `neverFits`.
    func apply(to machine: StoredMachine, _ transaction: Transaction) throws {
        try QuotaCheck.more(growth, of: machine.id, transaction)?.run(transaction)
        let results = try transaction.together([
            """
            UPDATE virtual_machine SET flavor_id = \(flavor.id), vcpus = \(size.vcpus),
                memory_mib = \(size.memoryMiB), disk_gib = \(size.diskGiB), gpu_type = \(gpus.type),
                gpu_count = \(gpus.count)
            WHERE id = \(machine.id)
            """,
            claim(of: machine),
        ])
        guard results[1].affected == 1 else {
            let search = CapacitySearch(
                region: region,
                request: PlacementRequest(resources: missing, gpus: nil),
                reachable: machine.nodesWithDisks
            )
            throw try CapacityShortage.count(search, transaction).refusal(machine: machine.name, flavor: flavor.name)
        }
    }

    /// A node that takes no machines may still give some back.
    private func claim(of machine: StoredMachine) -> SQL {
        """
        UPDATE compute_node
        SET allocated_vcpus = allocated_vcpus + \(difference.vcpus),
            allocated_memory_mib = allocated_memory_mib + \(difference.memoryMiB),
            allocated_disk_gib = allocated_disk_gib + \(difference.diskGiB)
        WHERE id = \(machine.nodeID)::bigint AND (schedulable OR \(missing == .zero)::boolean)
            AND (\(missing.vcpus) = 0 OR allocated_vcpus + \(missing.vcpus) <= limit_vcpus)
            AND (\(missing.memoryMiB) = 0 OR allocated_memory_mib + \(missing.memoryMiB) <= limit_memory_mib)
            AND (\(missing.diskGiB) = 0 OR allocated_disk_gib + \(missing.diskGiB) <= limit_disk_gib)
        """
    }

    private var missing: Resources {
        Resources(
            vcpus: max(difference.vcpus, 0),
            memoryMiB: max(difference.memoryMiB, 0),
            diskGiB: max(difference.diskGiB, 0)
        )
    }
}
