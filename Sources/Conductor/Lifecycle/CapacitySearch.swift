// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Placement
import Postgres

/// Finds nodes with room and claims them.
///
/// The nodes stand on a ring, each at a fixed random point. A search starts at a point that follows from the machine's
/// seed and walks the index until it has enough, so that it reads a few rows however many nodes there are, and two
/// conductors start at different places.
struct CapacitySearch: Sendable {
    let region: RegionID
    let request: PlacementRequest
    /// Nodes that are not to be tried again.
    var excluded: [NodeID] = []
    /// The nodes where the machine's disks can be reached; nil for a machine without any yet.
    var reachable: [NodeID]?

    /// A claim on a node, or on one of its devices, that another one came before.
    struct ClaimLost: Error {}

    /// Up to `limit` nodes that could take one machine, those without GPUs first where none are asked for. Fewer mean
    /// that there are no others.
    func candidates(from seed: PlacementSeed, limit: Int, _ transaction: Transaction) throws -> [NodeCandidate] {
        let rows = try transaction.query(
            request.gpus.map { gpus in statement(from: seed, gpus, limit) } ?? statement(from: seed, limit)
        )
        return try rows.map(Self.candidate)
    }

    /// Takes `amount` of a node and raises the revision of what is wanted there. It touches no row when `amount` no longer
    /// fits or the node takes no machines any more.
    ///
    /// Claims on several nodes are made in the order of their ids, so that two requests cannot wait for each other.
    static func claim(_ amount: Resources, of node: NodeID) -> SQL {
        """
        UPDATE compute_node
        SET allocated_vcpus = allocated_vcpus + \(amount.vcpus),
            allocated_memory_mib = allocated_memory_mib + \(amount.memoryMiB),
            allocated_disk_gib = allocated_disk_gib + \(amount.diskGiB),
            revision = revision + 1
        WHERE id = \(node) AND schedulable
            AND allocated_vcpus + \(amount.vcpus) <= limit_vcpus
            AND allocated_memory_mib + \(amount.memoryMiB) <= limit_memory_mib
            AND allocated_disk_gib + \(amount.diskGiB) <= limit_disk_gib
        """
    }

    /// Takes what one machine needs: of the node, and the chosen devices.
    ///
    /// - Throws: ``ClaimLost`` when another request came before.
    func claim(_ choice: NodeChoice, for machine: VirtualMachineID, _ transaction: Transaction) throws {
        let results = try transaction.together([
            Self.claim(request.resources, of: choice.node),
            """
            UPDATE gpu_device SET state = 'allocated', vm_id = \(machine), claim = claim + 1
            WHERE id = ANY (\(choice.gpus)::bigint[]) AND schedulable
            """,
        ])
        guard results.map(\.affected) == [1, choice.gpus.count] else { throw ClaimLost() }
    }

    private func statement(from seed: PlacementSeed, _ limit: Int) -> SQL {
        """
        SELECT node.* FROM (VALUES
            (false, \(seed.ringPoint)::integer, 2147483647), (false, 0, \(seed.ringPoint)::integer - 1),
            (true, \(seed.ringPoint)::integer, 2147483647), (true, 0, \(seed.ringPoint)::integer - 1)
        ) AS arc (has_gpu, low, high), LATERAL (
            SELECT n.id, n.has_gpu, n.limit_vcpus - n.allocated_vcpus AS vcpus,
                n.limit_memory_mib - n.allocated_memory_mib AS memory_mib,
                n.limit_disk_gib - n.allocated_disk_gib AS disk_gib,
                '{}'::bigint[] AS gpu_ids, '{}'::text[] AS gpu_addresses, '{}'::integer[] AS gpu_numa_nodes,
                '{}'::text[] AS partitions
            FROM compute_node n
            WHERE n.schedulable AND n.region_id = \(region) AND n.has_gpu = arc.has_gpu
                AND n.ring BETWEEN arc.low AND arc.high
                AND n.limit_vcpus - n.allocated_vcpus >= \(request.resources.vcpus)
                AND n.limit_memory_mib - n.allocated_memory_mib >= \(request.resources.memoryMiB)
                AND \(request.resources.memoryMiB)::integer % coalesce(n.memory_page_mib, 1) = 0
                AND n.limit_disk_gib - n.allocated_disk_gib >= \(request.resources.diskGiB)
                AND n.id <> ALL (\(excluded)::bigint[])
                AND (\(reachable == nil)::boolean OR n.id = ANY (\(reachable ?? [])::bigint[]))
            ORDER BY n.ring LIMIT \(limit)
        ) AS node LIMIT \(limit)
        """
    }

    private func statement(from seed: PlacementSeed, _ gpus: GPURequest, _ limit: Int) -> SQL {
        """
        SELECT node.* FROM (VALUES
            (\(seed.ringPoint)::integer, 2147483647), (0, \(seed.ringPoint)::integer - 1)
        ) AS arc (low, high), LATERAL (
            SELECT n.id, n.has_gpu, n.limit_vcpus - n.allocated_vcpus AS vcpus,
                n.limit_memory_mib - n.allocated_memory_mib AS memory_mib,
                n.limit_disk_gib - n.allocated_disk_gib AS disk_gib,
                device.gpu_ids, device.gpu_addresses, device.gpu_numa_nodes,
                ARRAY(SELECT array_to_string(p.addresses, ' ') FROM fabric_partition p WHERE p.node_id = n.id) AS partitions
            FROM compute_node n, LATERAL (
                SELECT array_agg(d.id ORDER BY d.id) AS gpu_ids, array_agg(d.address ORDER BY d.id) AS gpu_addresses,
                    array_agg(coalesce(d.numa_node, -1) ORDER BY d.id) AS gpu_numa_nodes
                FROM gpu_device d WHERE d.node_id = n.id AND d.gpu_type = \(gpus.type) AND d.schedulable
            ) AS device
            WHERE n.schedulable AND n.region_id = \(region) AND n.has_gpu
                AND gives_gpus(n.id, device.gpu_addresses, \(gpus.count)::integer)
                AND n.ring BETWEEN arc.low AND arc.high
                AND n.limit_vcpus - n.allocated_vcpus >= \(request.resources.vcpus)
                AND n.limit_memory_mib - n.allocated_memory_mib >= \(request.resources.memoryMiB)
                AND \(request.resources.memoryMiB)::integer % coalesce(n.memory_page_mib, 1) = 0
                AND n.limit_disk_gib - n.allocated_disk_gib >= \(request.resources.diskGiB)
                AND n.id <> ALL (\(excluded)::bigint[])
                AND (\(reachable == nil)::boolean OR n.id = ANY (\(reachable ?? [])::bigint[]))
            ORDER BY n.ring LIMIT \(limit)
        ) AS node LIMIT \(limit)
        """
    }

    private static func candidate(_ row: Row) throws -> NodeCandidate {
        let ids: [GPUID] = try row["gpu_ids"]
        let addresses: [PCIAddress] = try row["gpu_addresses"]
        let numaNodes: [Int] = try row["gpu_numa_nodes"]
        let partitions: [String] = try row["partitions"]
        let gpus = zip(ids, zip(addresses, numaNodes))
            .map { id, place in
                FreeGPU(id: id, address: place.0, numaNode: place.1 < 0 ? nil : place.1)
            }
        return try NodeCandidate(
            id: row["id"],
            free: Resources(vcpus: row["vcpus"], memoryMiB: row["memory_mib"], diskGiB: row["disk_gib"]),
            hasGPU: row["has_gpu"],
            gpus: gpus,
            partitions: partitions.map { try Set($0.split(separator: " ").map { try PCIAddress(String($0)) }) }
        )
    }
}
