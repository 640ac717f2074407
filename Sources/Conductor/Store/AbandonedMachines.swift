// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// What nodes that were declared dead may still have of machines that live elsewhere or nowhere since.
enum AbandonedMachines {
    /// Writes down what machines leave behind, which must be of the generation at which the node has nothing of them.
    static func note(_ machines: [StoredMachine], on node: NodeID) -> SQL {
        """
        INSERT INTO abandoned_machine (node_id, uuid, vm_id, generation)
        SELECT \(node), uuid, vm_id, generation FROM unnest(\(machines.map(\.uuid))::uuid[],
            \(machines.map(\.id))::bigint[], \(machines.map(\.generation))::bigint[]) AS m (uuid, vm_id, generation)
        ON CONFLICT (node_id, uuid) DO UPDATE SET generation = excluded.generation
        """
    }

    /// What a node has to take down before anything else.
    static func tasks(of node: NodeIdentity, _ transaction: Transaction) throws -> [MachineTask] {
        try transaction.query(
            "SELECT uuid, vm_id, generation FROM abandoned_machine WHERE node_id = \(node.id) ORDER BY vm_id"
        )
        .map { row in
            try MachineTask(
                node: node.name,
                machineID: row["vm_id"],
                uuid: row["uuid"],
                generation: row["generation"],
                power: .absent,
                bootCounter: 0,
                spec: nil
            )
        }
    }

    /// Strikes out what is the node's own again, or nobody's.
    static func forgive(_ machines: [MachineUUID], _ node: NodeID) -> SQL {
        "DELETE FROM abandoned_machine WHERE node_id = \(node) AND uuid = ANY (\(machines)::uuid[])"
    }

    /// Strikes out what a report says is gone.
    static func confirm(_ reports: [MachineReport], by node: NodeID) -> SQL {
        let gone = reports.filter { $0.power == .absent && $0.fault == nil }
        return """
            DELETE FROM abandoned_machine a
            USING unnest(\(gone.map(\.uuid))::uuid[], \(gone.map(\.appliedGeneration))::bigint[]) AS r (uuid, generation)
            WHERE a.node_id = \(node) AND a.uuid = r.uuid AND r.generation >= a.generation
            """
    }

    /// Lets machines on a node again that came back, once nothing of the kind is left there.
    static func readmit(_ node: NodeID) -> SQL {
        """
        UPDATE compute_node SET declared_dead_at = NULL, fenced_by = NULL
        WHERE id = \(node) AND state = 'up' AND declared_dead_at IS NOT NULL
            AND NOT EXISTS (SELECT FROM abandoned_machine WHERE node_id = \(node))
        """
    }
}
