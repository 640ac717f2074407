// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

/// A machine as the operator of its node sees it.
package struct NodeMachineRecord: Sendable {
    package var id: VirtualMachineID
    package var name: String
    package var organization: String
    package var status: MachineStatus
    package var resources: Resources
    package var gpuCount: Int
    /// Whether its vCPUs, memory and GPUs are among what the node gave out.
    package var holdsCompute: Bool
    /// What keeps it on the node; nil for one that can be moved.
    package var localState: String?
    /// What the node's drain does about it; nil while the node is not drained.
    package var drain: DrainStep?
}

extension NodeStore {
    /// One page of a node's machines, by id; nil when there is no such node.
    package func machines(of name: NodeName, _ query: ListQuery = ListQuery()) async throws -> Page<NodeMachineRecord>?
    {
        try await database.read { transaction in
            let nodes = try transaction.query("SELECT id, state, drain_policy FROM compute_node WHERE name = \(name)")
            guard let node = nodes.first else { return nil }
            let id: NodeID = try node["id"]
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT id FROM virtual_machine WHERE node_id = \(id) AND (\(query.search)::text IS NULL
                        OR position(lower(\(query.search)::text) IN lower(name)) > 0)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { (ids: [VirtualMachineID]) in
                try transaction.query(
                    """
                    SELECT \(raw: StoredMachine.columns), vm.vcpus, vm.memory_mib, vm.disk_gib, vm.gpu_count,
                        o.name AS organization
                    FROM virtual_machine vm JOIN organization o ON o.id = vm.organization_id
                    WHERE vm.id = ANY (\(ids)::bigint[]) ORDER BY vm.id
                    """
                )
                .map { try Self.machine($0, state: node["state"], drain: node["drain_policy"]) }
            }
        }
    }

    private static func machine(
        _ row: Row,
        state: NodeRecord.State,
        drain: DrainPolicy?
    ) throws -> NodeMachineRecord {
        let machine = try StoredMachine(row)
        let situation = MachineSituation(
            phase: machine.phase,
            observed: machine.observed,
            nodeSilent: state == .silent
        )
        return try NodeMachineRecord(
            id: machine.id,
            name: machine.name,
            organization: row["organization"],
            status: situation.status,
            resources: row.resources,
            gpuCount: row["gpu_count"],
            holdsCompute: machine.holdsCompute,
            localState: machine.localState,
            drain: drain.map { machine.drainStep($0) }
        )
    }
}
