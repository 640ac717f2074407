// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Placement
import Postgres

/// Why no node takes a machine: how many nodes of the region fail each condition. A node may fail several.
package struct CapacityShortage: Sendable, Hashable {
    package var nodes = 0
    /// Never registered, or no longer reporting, or declared dead and not yet rid of what it had then.
    package var absent = 0
    package var cordoned = 0
    package var unhealthy = 0
    /// Lost capacity that was already given out.
    package var shrunk = 0
    /// Not surveyed since the database was restored.
    package var unsurveyed = 0
    package var vcpus = 0
    package var memory = 0
    /// With huge pages of which the memory would not be whole ones.
    package var memoryPages = 0
    package var disk = 0
    /// Without one device of the type.
    package var gpuType = 0
    /// With the type, but with too few free.
    package var gpuCount = 0
    /// With enough of them free, but no partition of so many.
    package var gpuPartition = 0
    /// The units of the type that is asked for; nil when none are.
    package var gpus: GPUCounts?
    /// Those that could hold the machine if they were empty, and those of which nothing is known yet.
    package var largeEnough = 0

    static func count(
        _ search: CapacitySearch,
        _ transaction: Transaction
    ) throws -> CapacityShortage {
        let wanted = search.request.resources
        let rows = try transaction.query(
            """
            SELECT count(*) AS nodes,
                count(*) FILTER (WHERE n.state <> 'up' OR n.declared_dead_at IS NOT NULL) AS absent,
                count(*) FILTER (WHERE n.cordoned) AS cordoned,
                count(*) FILTER (WHERE n.state = 'up' AND NOT n.healthy) AS unhealthy,
                count(*) FILTER (WHERE n.shrunk) AS shrunk,
                count(*) FILTER (WHERE n.unsurveyed) AS unsurveyed,
                count(*) FILTER (WHERE n.limit_vcpus - n.allocated_vcpus < \(wanted.vcpus)) AS vcpus,
                count(*) FILTER (WHERE n.limit_memory_mib - n.allocated_memory_mib < \(wanted.memoryMiB)) AS memory,
                count(*) FILTER (WHERE \(wanted.memoryMiB)::integer % coalesce(n.memory_page_mib, 1) <> 0)
                    AS memory_pages,
                count(*) FILTER (WHERE n.limit_disk_gib - n.allocated_disk_gib < \(wanted.diskGiB)) AS disk,
                count(*) FILTER (WHERE device.total = 0 AND \(search.request.gpus?.count ?? 0) > 0) AS gpu_type,
                count(*) FILTER (WHERE device.total > 0 AND device.free < \(search.request.gpus?.count ?? 0))
                    AS gpu_count,
                count(*) FILTER (WHERE device.free >= \(search.request.gpus?.count ?? 0)
                    AND NOT gives_gpus(n.id, device.free_addresses, \(search.request.gpus?.count ?? 0)::integer))
                    AS gpu_partition,
                count(*) FILTER (WHERE n.state = 'new' OR (n.limit_vcpus >= \(wanted.vcpus)
                    AND n.limit_memory_mib >= \(wanted.memoryMiB)
                    AND \(wanted.memoryMiB)::integer % coalesce(n.memory_page_mib, 1) = 0
                    AND n.limit_disk_gib >= \(wanted.diskGiB)
                    AND gives_gpus(n.id, device.addresses, \(search.request.gpus?.count ?? 0)::integer))) AS large_enough
            FROM compute_node n, LATERAL (
                SELECT count(*) AS total, count(*) FILTER (WHERE d.schedulable) AS free,
                    array_agg(d.address) AS addresses, array_agg(d.address) FILTER (WHERE d.schedulable) AS free_addresses
                FROM gpu_device d WHERE d.node_id = n.id AND d.gpu_type = \(search.request.gpus?.type ?? "")
            ) AS device
            WHERE n.region_id = \(search.region)
                AND (\(search.reachable == nil)::boolean OR n.id = ANY (\(search.reachable ?? [])::bigint[]))
            """
        )
        guard let row = rows.first else { return CapacityShortage() }
        return try CapacityShortage(
            nodes: row["nodes"],
            absent: row["absent"],
            cordoned: row["cordoned"],
            unhealthy: row["unhealthy"],
            shrunk: row["shrunk"],
            unsurveyed: row["unsurveyed"],
            vcpus: row["vcpus"],
            memory: row["memory"],
            memoryPages: row["memory_pages"],
            disk: row["disk"],
            gpuType: row["gpu_type"],
            gpuCount: row["gpu_count"],
            gpuPartition: row["gpu_partition"],
            gpus: GPUCounts.count(search, transaction),
            largeEnough: row["large_enough"]
        )
    }

    /// The refusal that says it to the tenant.
    ///
    /// - Parameters:
    ///   - flavor: the flavor's name.
    ///   - region: the region's name.
    ///   - placed: how many of the machines would have had room.
    ///   - count: how many were asked for.
    /// - Returns: a refusal with `neverFits` or `noCapacity`.
    package func refusal(flavor: String, region: String, placed: Int, count: Int) -> MachineRefusal {
        guard nodes > 0 else {
            return MachineRefusal(.noCapacity, "Region \(region) has no nodes yet.")
        }
        guard largeEnough > 0 else {
            return MachineRefusal(
                .neverFits,
                "No node of region \(region) could hold flavor \(flavor), even an empty one. \(sentence)"
            )
        }
        let room = count > 1 ? " There is room for \(placed) of \(count)." : ""
        return MachineRefusal(
            .noCapacity,
            "Region \(region) has no room for flavor \(flavor) now.\(room) \(sentence)"
        )
    }

    /// The refusal for a machine that can only be where its disks are.
    package func refusal(machine: String, flavor: String) -> MachineRefusal {
        guard largeEnough > 0 else {
            return MachineRefusal(
                .neverFits,
                "The node that has the disks of VM \(machine) could not hold flavor \(flavor), even if it were empty. "
                    + sentence
            )
        }
        return MachineRefusal(
            .noCapacity,
            "The node that has the disks of VM \(machine) has no room for flavor \(flavor) now, and no other node can "
                + "reach them. \(sentence)"
        )
    }

    /// The counts that are not zero, in words.
    private var sentence: String {
        let counts: [(Int, String)] = [
            (absent, "not reporting"), (cordoned, "cordoned"), (unhealthy, "unhealthy"), (shrunk, "shrunk"),
            (unsurveyed, "not surveyed since a restore"),
            (vcpus, "too few vCPUs"), (memory, "too little memory"),
            (memoryPages, "memory not whole in huge pages"), (disk, "too little disk"),
            (gpuType, "no GPU of the type"), (gpuCount, "too few free GPUs"),
            (gpuPartition, "no free partition of so many GPUs"),
        ]
        let failed = counts.filter { $0.0 > 0 }.map { "\($0.1): \($0.0)" }.joined(separator: ", ")
        return "Of \(nodes) node\(nodes == 1 ? "" : "s"): \(failed.isEmpty ? "none is excluded" : failed)."
            + (gpus.map { " \($0.sentence)" } ?? "")
    }
}
