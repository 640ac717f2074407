// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import GantryProtocol
package import Postgres

/// A machine of ours on a host of whose node this database knows no such machine. What the node told is nil where its agent
/// no longer knows it.
package struct OrphanRecord: Sendable, Hashable {
    package var id: OrphanID
    package var uuid: MachineUUID
    package var node: NodeName
    package var regionName: String
    package var name: String?
    package var isRunning: Bool
    package var resources: Resources?
    package var gpus: [PCIAddress]
    package var address: IPv4Address?
    package var mac: MACAddress?
    package var floatingIP: IPv4Address?
    package var volumes: [VolumeUUID]
    /// Whether an operator wants it gone.
    package var isRemoving: Bool
    package var createdAt: Date
}

/// Machines that only their hosts know of, and what they hold.
package struct OrphanStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, by node.
    package func orphans(_ query: ListQuery) async throws -> Page<OrphanRecord> {
        try await database.read { transaction in
            let count = try transaction.query("SELECT count(*) AS count FROM orphan").first
            let rows = try transaction.query(
                """
                SELECT \(raw: Self.columns) ORDER BY n.name, o.id
                LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                """
            )
            return Page(elements: try rows.map(Self.record), count: try count?["count"] ?? 0)
        }
    }

    /// Has a node take an orphan down, with its own disk and all that is on it. What it holds is free when the node says
    /// that nothing is left.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func remove(_ id: OrphanID) async throws -> OrphanRecord {
        let rows = try await database.transaction { transaction in
            try transaction.execute("UPDATE orphan SET removing = true WHERE id = \(id)")
            return try transaction.query("SELECT \(raw: Self.columns) WHERE o.id = \(id)")
        }
        guard let row = rows.first else { throw ResourceRefusal(.notFound, "Orphan \(id) does not exist.") }
        return try Self.record(row)
    }

    private static let columns: StaticString = """
        o.id, o.uuid, n.name AS node, r.name AS region, o.name, o.running, o.vcpus, o.memory_mib, o.disk_gib, o.gpus,
        o.address, o.mac, o.floating_ip, o.volumes, o.removing, o.created_at
        FROM orphan o JOIN compute_node n ON n.id = o.node_id JOIN region r ON r.id = n.region_id
        """

    private static func record(_ row: Row) throws -> OrphanRecord {
        let vcpus: Int? = try row["vcpus"]
        return try OrphanRecord(
            id: row["id"],
            uuid: row["uuid"],
            node: row["node"],
            regionName: row["region"],
            name: row["name"],
            isRunning: row["running"],
            resources: vcpus == nil ? nil : row.resources,
            gpus: row["gpus"],
            address: row["address"],
            mac: row["mac"],
            floatingIP: row["floating_ip"],
            volumes: row["volumes"],
            isRemoving: row["removing"],
            createdAt: row["created_at"]
        )
    }
}

// MARK: - In a node's own transactions, which have locked its row

extension OrphanStore {
    /// What the node named `n` has to take down.
    static let removals: StaticString = """
        ARRAY(SELECT o.uuid FROM orphan o WHERE o.node_id = n.id AND o.removing ORDER BY o.id) AS absent_orphans
        """

    /// Takes what machines hold out of everybody's reach. Those that are known as orphans stay as they are. With
    /// `takingAddresses` their addresses are taken too, from whoever in the node's region has them.
    ///
    /// - Returns: the new ones.
    static func add(
        _ machines: [HostedMachine],
        on node: NodeID,
        takingAddresses: Bool,
        _ transaction: Transaction
    ) throws -> [MachineUUID] {
        guard !machines.isEmpty else { return [] }
        let rows = try transaction.together(machines.map { insertion(of: $0, node) }).flatMap(\.rows)
        let ids: [OrphanID] = try rows.map { try $0["id"] }
        guard !ids.isEmpty else { return [] }
        _ = try transaction.together([
            """
            WITH held AS (
                SELECT coalesce(sum(vcpus), 0) AS vcpus, coalesce(sum(memory_mib), 0) AS memory_mib,
                    coalesce(sum(disk_gib), 0) AS disk_gib
                FROM orphan WHERE id = ANY (\(ids)::bigint[])
            )
            UPDATE compute_node n
            SET allocated_vcpus = n.allocated_vcpus + held.vcpus,
                allocated_memory_mib = n.allocated_memory_mib + held.memory_mib,
                allocated_disk_gib = n.allocated_disk_gib + held.disk_gib,
                shrunk = n.shrunk OR n.allocated_vcpus + held.vcpus > n.limit_vcpus
                    OR n.allocated_memory_mib + held.memory_mib > n.limit_memory_mib
                    OR n.allocated_disk_gib + held.disk_gib > n.limit_disk_gib
            FROM held WHERE n.id = \(node)
            """,
            """
            UPDATE gpu_device d SET orphan_id = o.id FROM orphan o
            WHERE o.id = ANY (\(ids)::bigint[]) AND d.node_id = o.node_id AND d.address = ANY (o.gpus)
            """,
        ])
        if takingAddresses { _ = try transaction.together([privateAddresses(of: ids), floatingIPs(of: ids)]) }
        return try rows.map { try $0["uuid"] }
    }

    private static func insertion(of machine: HostedMachine, _ node: NodeID) -> SQL {
        let (resources, network) = (machine.resources, machine.network)
        return """
            INSERT INTO orphan (node_id, uuid, name, running, vcpus, memory_mib, disk_gib, gpus, environment_id, subnet,
                address, mac, floating_ip, volumes)
            SELECT \(node), \(machine.uuid), \(machine.name), \(machine.isRunning), \(resources?.vcpus)::integer,
                \(resources?.memoryMiB)::integer, \(resources?.diskGiB)::integer + (
                    SELECT coalesce(sum(v.size_gib), 0)
                    FROM unnest(\(machine.volumes.map(\.uuid))::uuid[], \(machine.volumes.map(\.pool))::text[],
                            \(machine.volumes.map(\.sizeGiB))::integer[]) AS v (uuid, pool, size_gib)
                        JOIN compute_node n ON n.id = \(node)
                        JOIN storage_pool p ON p.region_id = n.region_id AND p.name = v.pool AND p.kind = 'local'
                    WHERE NOT EXISTS (SELECT FROM volume k WHERE k.uuid = v.uuid AND k.node_id IS NOT NULL)),
                \(machine.gpus)::text[], \(network?.environmentID)::bigint, \(network?.subnet)::cidr,
                \(network?.address)::inet, \(network?.mac)::text, \(network?.floatingIP)::inet,
                \(machine.volumes.map(\.uuid))::uuid[]
            ON CONFLICT (node_id, uuid) DO NOTHING RETURNING id, uuid
            """
    }

    private static func privateAddresses(of ids: [OrphanID]) -> SQL {
        """
        UPDATE private_address a SET orphan_id = o.id
        FROM orphan o JOIN compute_node n ON n.id = o.node_id
            JOIN environment e ON e.id = o.environment_id AND e.region_id = n.region_id
        WHERE o.id = ANY (\(ids)::bigint[]) AND a.environment_id = e.id AND a.address = o.address AND a.vm_id IS NULL
        """
    }

    /// Takes orphans' floating IPs also from machines that had them when the backup was made and gave them up since.
    private static func floatingIPs(of ids: [OrphanID]) -> SQL {
        """
        WITH taken AS (
            UPDATE floating_ip f SET vm_id = NULL, next_vm_id = NULL, orphan_id = o.id
            FROM orphan o JOIN compute_node n ON n.id = o.node_id JOIN floating_ip former ON former.address = o.floating_ip
                JOIN floating_ip_pool p ON p.id = former.pool_id AND p.region_id = n.region_id
                LEFT JOIN virtual_machine holder ON holder.id = former.vm_id
            WHERE o.id = ANY (\(ids)::bigint[]) AND f.id = former.id AND holder.uuid IS DISTINCT FROM o.uuid
            RETURNING former.vm_id, f.address
        ), holder AS (
            UPDATE virtual_machine vm
            SET assign_floating_ip = false, floating_ip_attaching = false, floating_ip_detaching = false,
                floating_ip_wired = false, generation = vm.generation + 1
            FROM taken WHERE vm.id = taken.vm_id
            RETURNING vm.id, vm.organization_id, vm.name, vm.node_id, taken.address
        ), word AS (
            INSERT INTO task_outbox (node_id, vm_id) SELECT node_id, id FROM holder WHERE node_id IS NOT NULL
        ), node AS (
            UPDATE compute_node n SET revision = n.revision + 1 WHERE n.id IN (SELECT node_id FROM holder)
        )
        INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
        SELECT id, organization_id, 'warning', \(MachineEvent.Reason.floatingIPDetached),
            format('The cloud''s database was restored from a backup; since then %s gave up floating IP %s.', name,
                host(address))
        FROM holder
        """
    }

    /// Gives back what orphans held, of which the node says that nothing is left. Nodes that were told nothing of the same
    /// machines meanwhile are told now.
    static func release(_ machines: [MachineUUID], on node: NodeID) -> [SQL] {
        [
            """
            UPDATE compute_node n SET revision = n.revision + 1
            FROM virtual_machine vm JOIN orphan o ON o.uuid = vm.uuid
            WHERE o.node_id = \(node) AND o.uuid = ANY (\(machines)::uuid[]) AND n.id = vm.node_id
            """,
            """
            UPDATE gpu_device d
            SET orphan_id = NULL, claim = d.claim + (d.state IN ('free', 'sanitizing'))::integer,
                state = CASE d.state WHEN 'free' THEN 'sanitizing' ELSE d.state END
            FROM orphan o
            WHERE o.node_id = \(node) AND o.uuid = ANY (\(machines)::uuid[]) AND d.orphan_id = o.id
            """,
            """
            WITH gone AS (
                DELETE FROM orphan WHERE node_id = \(node) AND uuid = ANY (\(machines)::uuid[])
                RETURNING vcpus, memory_mib, disk_gib
            ), held AS (
                SELECT coalesce(sum(vcpus), 0) AS vcpus, coalesce(sum(memory_mib), 0) AS memory_mib,
                    coalesce(sum(disk_gib), 0) AS disk_gib, count(*) AS count
                FROM gone
            )
            UPDATE compute_node n
            SET allocated_vcpus = n.allocated_vcpus - held.vcpus,
                allocated_memory_mib = n.allocated_memory_mib - held.memory_mib,
                allocated_disk_gib = n.allocated_disk_gib - held.disk_gib,
                shrunk = n.shrunk AND (n.allocated_vcpus - held.vcpus > n.limit_vcpus
                    OR n.allocated_memory_mib - held.memory_mib > n.limit_memory_mib
                    OR n.allocated_disk_gib - held.disk_gib > n.limit_disk_gib)
            FROM held WHERE n.id = \(node) AND held.count > 0
            """,
        ]
    }
}
