// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// Writes down that callbacks have to be told of a new status, within the transaction that makes it one.
///
/// The status is compared with the one that was written down last, so that each is told once, whatever led to it, and one
/// that follows from what others changed, as when a node falls silent, is told like any other.
enum StatusCallback {
    /// For machines that transitions of this transaction changed.
    static func afterTransitions(_ transitions: [MachineTransition]) -> SQL {
        statement(machines: transitions.map { (id: $0.machine.id, operation: $0.callbackOperation) })
    }

    /// For machines that this transaction made.
    static func afterCreation(of machines: [MachineUUID]) -> SQL {
        statement(made: machines)
    }

    /// Locks what ``afterChange(ofNodes:)`` will write, before the nodes: machines are locked first everywhere.
    static func lock(ofNodes nodes: [NodeID]) -> SQL {
        """
        SELECT FROM virtual_machine WHERE node_id = ANY (\(nodes)::bigint[]) AND callback_url IS NOT NULL
        ORDER BY id FOR UPDATE
        """
    }

    /// For the machines of nodes that this transaction found silent or back, or whose hypervisor does not answer.
    static func afterChange(ofNodes nodes: [NodeID]) -> SQL {
        statement(nodes: nodes)
    }

    private static func statement(
        machines: [(id: VirtualMachineID, operation: CallbackOperation)] = [],
        made: [MachineUUID] = [],
        nodes: [NodeID] = []
    ) -> SQL {
        """
        WITH touched AS (
            SELECT id, operation FROM unnest(\(machines.map(\.id))::bigint[],
                \(machines.map(\.operation))::text[]) AS t (id, operation)
            UNION ALL SELECT id, \(CallbackOperation.createInstance)::text FROM virtual_machine
                WHERE uuid = ANY (\(made)::uuid[])
            UNION ALL SELECT id, \(CallbackOperation.statusChange)::text FROM virtual_machine
                WHERE node_id = ANY (\(nodes)::bigint[])
        ), changed AS MATERIALIZED (
            SELECT vm.id, t.operation, CASE WHEN n.state = 'silent' THEN w.unseen ELSE w.seen END AS status
            FROM touched t JOIN virtual_machine vm ON vm.id = t.id LEFT JOIN compute_node n ON n.id = vm.node_id
                JOIN unnest(\(StatusWords.phases)::text[], \(StatusWords.observed)::text[],
                    \(StatusWords.seen)::text[], \(StatusWords.unseen)::text[]) AS w (phase, observed, seen, unseen)
                    ON w.phase = vm.phase AND w.observed = vm.observed_power
            WHERE vm.callback_url IS NOT NULL
                AND vm.callback_status IS DISTINCT FROM CASE WHEN n.state = 'silent' THEN w.unseen ELSE w.seen END
            ORDER BY vm.id FOR UPDATE OF vm
        ), told AS (
            UPDATE virtual_machine vm SET callback_status = c.status FROM changed c WHERE vm.id = c.id
            RETURNING vm.id, vm.organization_id, vm.name, vm.callback_url, c.operation, c.status
        )
        INSERT INTO callback_delivery (organization_id, vm_id, resource_name, url, operation, status, floating_ip)
        SELECT told.organization_id, told.id, told.name, told.callback_url, told.operation, told.status, f.address
        FROM told LEFT JOIN floating_ip f ON f.vm_id = told.id ORDER BY told.id
        """
    }
}

/// The status of every situation that a row can be in, to be joined with rows.
enum StatusWords {
    private static let situations = MachinePhase.allCases.flatMap { phase in
        ObservedPower.allCases.map { MachineSituation(phase: phase, observed: $0, nodeSilent: false) }
    }

    static let phases = situations.map(\.phase)
    static let observed = situations.map(\.observed)
    /// While the node reports.
    static let seen = situations.map(\.toldStatus)
    /// While it is silent.
    static let unseen = situations.map { situation in
        var situation = situation
        situation.nodeSilent = true
        return situation.toldStatus
    }
}

extension MachineSituation {
    /// The status as callbacks are told it: they also hear of the end, which the API shows no more.
    fileprivate var toldStatus: String { phase == .deleted ? "DELETED" : status.rawValue }
}
