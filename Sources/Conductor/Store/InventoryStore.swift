// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Postgres

/// Writes down what a host has. What it has given out stays given out, whatever an inventory says.
enum InventoryStore {
    /// What writes it. It locks the node's row, so that no claim is made while its capacity changes.
    static func statements(_ inventory: NodeInventory, of node: NodeID) -> [SQL] {
        [update(inventory, node), devices(inventory.gpus, node)] + pools(inventory.storagePools, node)
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
                reserved_disk_gib = \(reserved.diskGiB),
                shrunk = allocated_vcpus > floor((\(total.vcpus)::integer - \(reserved.vcpus)::integer) * vcpu_ratio)
                    OR allocated_memory_mib
                        > floor((\(total.memoryMiB)::integer - \(reserved.memoryMiB)::integer) * memory_ratio)
                    OR allocated_disk_gib
                        > floor((\(total.diskGiB)::integer - \(reserved.diskGiB)::integer) * disk_ratio),
                has_gpu = \(!inventory.gpus.isEmpty) OR EXISTS (SELECT FROM gpu_device WHERE node_id = \(node)),
                virt_type = \(inventory.virtType), hypervisor_version = \(inventory.hypervisorVersion),
                agent_version = \(inventory.agentVersion)
            WHERE id = \(node)
            """
    }

    /// A device that a machine owns stays as it is. One that nobody owns is free only when the host calls it ready: a
    /// busy one is in the hands of something that we do not know. One that is gone is faulty until it comes back.
    private static func devices(_ devices: [GPUInventory], _ node: NodeID) -> SQL {
        let devices = Dictionary(devices.map { ($0.address, $0) }) { first, _ in first }
            .values.sorted { $0.address < $1.address }
        return """
            WITH vanished AS (
                UPDATE gpu_device SET reason = 'The host no longer has this device.',
                    state = CASE WHEN vm_id IS NULL THEN 'faulty' ELSE state END
                WHERE node_id = \(node) AND address <> ALL (\(devices.map(\.address))::text[])
            )
            INSERT INTO gpu_device AS known
                (node_id, address, model, gpu_type, numa_node, iommu_group, functions, state, reason)
            SELECT \(node), d.address, d.model, d.gpu_type, d.numa_node, d.iommu_group, d.functions::jsonb,
                CASE d.condition WHEN 'ready' THEN 'free' WHEN 'busy' THEN 'sanitizing' ELSE 'faulty' END, d.reason
            FROM unnest(\(devices.map(\.address))::text[], \(devices.map(\.model))::text[],
                \(devices.map(\.gpuType))::text[], \(devices.map(\.numaNode))::integer[],
                \(devices.map(\.iommuGroup))::integer[], \(devices.map { json($0.functions) })::text[],
                \(devices.map(\.condition.rawValue))::text[], \(devices.map(\.reason))::text[])
                AS d (address, model, gpu_type, numa_node, iommu_group, functions, condition, reason)
            ON CONFLICT ON CONSTRAINT gpu_device_address_unique DO UPDATE SET
                reason = excluded.reason,
                state = CASE WHEN known.vm_id IS NULL THEN excluded.state ELSE known.state END,
                model = CASE WHEN known.vm_id IS NULL THEN excluded.model ELSE known.model END,
                gpu_type = CASE WHEN known.vm_id IS NULL THEN excluded.gpu_type ELSE known.gpu_type END,
                numa_node = CASE WHEN known.vm_id IS NULL THEN excluded.numa_node ELSE known.numa_node END,
                iommu_group = CASE WHEN known.vm_id IS NULL THEN excluded.iommu_group ELSE known.iommu_group END,
                functions = CASE WHEN known.vm_id IS NULL THEN excluded.functions ELSE known.functions END
            """
    }

    private static func json(_ functions: [PCIFunction]) -> String {
        // Texts and nothing else: encoding them cannot fail.
        (try? String(decoding: NodeJSON.encoder.encode(functions), as: UTF8.self)) ?? "[]"
    }
}
