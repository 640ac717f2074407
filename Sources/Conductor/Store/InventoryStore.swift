// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// Writes down what a host has. What it has given out stays given out, whatever an inventory says.
enum InventoryStore {
    /// Locks the node's row first, so that no claim is made while its capacity changes.
    static func write(_ inventory: NodeInventory, of node: NodeID, _ transaction: Transaction) throws {
        _ = try transaction.together([update(inventory, node)] + pools(inventory.storagePools, node))
        try GPUInventoryStore.write(inventory, of: node, transaction)
    }

    /// Pools are known by their names. One that is of another kind on other nodes is left out: it cannot be the same.
    private static func pools(_ pools: [StoragePoolInventory], _ node: NodeID) -> [SQL] {
        // In one order, so that two nodes that come with the same new pools do not wait for each other.
        let pools = pools.sorted { $0.name < $1.name }
        return [
            """
            INSERT INTO storage_pool (region_id, name, kind)
            SELECT n.region_id, t.name, t.kind
            FROM unnest(\(pools.map(\.name))::text[], \(pools.map(\.kind))::text[]) AS t (name, kind), compute_node n
            WHERE n.id = \(node) ORDER BY t.name ON CONFLICT DO NOTHING
            """,
            """
            WITH there AS (
                SELECT p.id FROM unnest(\(pools.map(\.name))::text[], \(pools.map(\.kind))::text[]) AS t (name, kind),
                    compute_node n JOIN storage_pool p ON p.region_id = n.region_id
                WHERE n.id = \(node) AND p.name = t.name AND p.kind = t.kind
            ), gone AS (
                DELETE FROM node_storage_pool WHERE node_id = \(node) AND pool_id NOT IN (SELECT id FROM there)
            )
            INSERT INTO node_storage_pool (node_id, pool_id) SELECT \(node), id FROM there ON CONFLICT DO NOTHING
            """,
        ]
    }

    private static func update(_ inventory: NodeInventory, _ node: NodeID) -> SQL {
        let (total, reserved) = (inventory.total, inventory.reserved)
        return """
            UPDATE compute_node
            SET vcpus = \(total.vcpus), memory_mib = \(total.memoryMiB), disk_gib = \(total.diskGiB),
                reserved_vcpus = \(reserved.vcpus), reserved_memory_mib = \(reserved.memoryMiB),
                reserved_disk_gib = \(reserved.diskGiB), memory_page_mib = \(inventory.memoryPageMiB),
                shrunk = allocated_vcpus > floor((\(total.vcpus)::integer - \(reserved.vcpus)::integer) * vcpu_ratio)
                    OR allocated_memory_mib > memory_limit(\(total.memoryMiB)::integer - \(reserved.memoryMiB)::integer,
                        memory_ratio, \(inventory.memoryPageMiB)::integer)
                    OR allocated_disk_gib
                        > floor((\(total.diskGiB)::integer - \(reserved.diskGiB)::integer) * disk_ratio),
                has_gpu = \(!inventory.gpus.isEmpty) OR EXISTS (SELECT FROM gpu_device WHERE node_id = \(node)),
                virt_type = \(inventory.virtType), hypervisor_version = \(inventory.hypervisorVersion),
                agent_version = \(inventory.agentVersion)
            WHERE id = \(node)
            """
    }
}
