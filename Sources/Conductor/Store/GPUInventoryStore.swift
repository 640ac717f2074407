// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Postgres

/// Writes down what an inventory makes of a node's units.
enum GPUInventoryStore {
    /// Locks the machines for whose history ``write(_:of:_:)`` may have a line, before the node: machines are locked first
    /// everywhere.
    static func lockMachines(on node: NodeID) -> SQL {
        """
        SELECT FROM virtual_machine WHERE id IN (SELECT vm_id FROM gpu_device WHERE node_id = \(node))
        ORDER BY id FOR KEY SHARE
        """
    }

    /// The node's row is locked in the transaction, so that no unit is claimed meanwhile.
    static func write(_ inventory: NodeInventory, of node: NodeID, _ transaction: Transaction) throws {
        let look = GPULook(inventory.gpus, known: try units(of: node, transaction))
        var statements = [partitions(inventory.fabricPartitions, node)]
        if !look.new.isEmpty { statements.append(try insertion(of: look.new, node)) }
        if !look.changed.isEmpty { statements.append(try update(of: look.changed, node)) }
        if !look.events.isEmpty { statements.append(history(look.events)) }
        _ = try transaction.together(statements)
    }

    /// No row is touched where all is as it was.
    private static func partitions(_ partitions: [FabricPartition], _ node: NodeID) -> SQL {
        let addresses = partitions.map { $0.gpus.map { "\($0)" }.joined(separator: " ") }
        return """
            WITH gone AS (
                DELETE FROM fabric_partition WHERE node_id = \(node) AND number <> ALL (\(partitions.map(\.id))::integer[])
            )
            INSERT INTO fabric_partition (node_id, number, addresses, active)
            SELECT \(node), p.number, string_to_array(p.addresses, ' '), p.active
            FROM unnest(\(partitions.map(\.id))::integer[], \(addresses)::text[], \(partitions.map(\.isActive))::boolean[])
                AS p (number, addresses, active)
            ON CONFLICT (node_id, number) DO UPDATE SET addresses = excluded.addresses, active = excluded.active
            WHERE (fabric_partition.addresses, fabric_partition.active) IS DISTINCT FROM (excluded.addresses, excluded.active)
            """
    }

    private static func units(of node: NodeID, _ transaction: Transaction) throws -> [StoredGPU] {
        try transaction.query(
            """
            SELECT d.address, d.model, d.gpu_type, d.numa_node, d.iommu_group, d.functions::text AS functions, d.state,
                d.present, d.returned, d.claim, d.cleaning, d.reason, vm.id AS vm_id, vm.name, vm.organization_id
            FROM gpu_device d LEFT JOIN virtual_machine vm ON vm.id = d.vm_id
            WHERE d.node_id = \(node) ORDER BY d.address FOR UPDATE OF d
            """
        )
        .map { row in
            let machine: VirtualMachineID? = try row["vm_id"]
            return try StoredGPU(
                address: row["address"],
                holder: machine.map {
                    try StoredGPU.Holder(machine: $0, name: row["name"], organization: row["organization_id"])
                },
                model: row["model"],
                type: row["gpu_type"],
                numaNode: row["numa_node"],
                iommuGroup: row["iommu_group"],
                functions: PCIFunction.list(row["functions"]),
                state: row["state"],
                isPresent: row["present"],
                isReturned: row["returned"],
                claim: row["claim"],
                cleaning: row["cleaning"],
                reason: row["reason"]
            )
        }
    }

    private static func insertion(of units: [StoredGPU], _ node: NodeID) throws -> SQL {
        """
        INSERT INTO gpu_device (node_id, address, model, gpu_type, numa_node, iommu_group, functions, state, claim, reason)
        SELECT \(node), u.address, u.model, u.gpu_type, u.numa_node, u.iommu_group, u.functions::jsonb, u.state, u.claim,
            u.reason
        FROM unnest(\(units.map(\.address))::text[], \(units.map(\.model))::text[], \(units.map(\.type))::text[],
            \(units.map(\.numaNode))::integer[], \(units.map(\.iommuGroup))::integer[],
            \(try units.map { try PCIFunction.json($0.functions) })::text[], \(units.map(\.state))::text[],
            \(units.map(\.claim))::bigint[], \(units.map(\.reason))::text[])
            AS u (address, model, gpu_type, numa_node, iommu_group, functions, state, claim, reason)
        """
    }

    private static func update(of units: [StoredGPU], _ node: NodeID) throws -> SQL {
        """
        UPDATE gpu_device d SET model = u.model, gpu_type = u.gpu_type, numa_node = u.numa_node,
            iommu_group = u.iommu_group, functions = u.functions::jsonb, state = u.state, present = u.present,
            claim = u.claim, cleaning = u.cleaning, reason = u.reason
        FROM unnest(\(units.map(\.address))::text[], \(units.map(\.model))::text[], \(units.map(\.type))::text[],
            \(units.map(\.numaNode))::integer[], \(units.map(\.iommuGroup))::integer[],
            \(try units.map { try PCIFunction.json($0.functions) })::text[], \(units.map(\.state))::text[],
            \(units.map(\.isPresent))::boolean[], \(units.map(\.claim))::bigint[],
            \(units.map(\.cleaning))::text[], \(units.map(\.reason))::text[])
            AS u (address, model, gpu_type, numa_node, iommu_group, functions, state, present, claim, cleaning, reason)
        WHERE d.node_id = \(node) AND d.address = u.address
        """
    }

    private static func history(_ events: [(holder: StoredGPU.Holder, event: MachineEvent)]) -> SQL {
        """
        INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
        SELECT * FROM unnest(\(events.map(\.holder.machine))::bigint[], \(events.map(\.holder.organization))::bigint[],
            \(events.map(\.event.kind))::text[], \(events.map(\.event.reason))::text[],
            \(events.map(\.event.message))::text[])
        """
    }
}

extension PCIFunction {
    /// Reads what ``json(_:)`` made, as PostgreSQL has it.
    static func list(_ json: String) throws -> [PCIFunction] {
        try NodeJSON.decoder.decode([PCIFunction].self, from: Data(json.utf8))
    }

    static func json(_ functions: [PCIFunction]) throws -> String {
        String(decoding: try NodeJSON.encoder.encode(functions), as: UTF8.self)
    }
}
