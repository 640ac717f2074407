// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
import GantryProtocol
package import Postgres

/// The units of all nodes, for operators.
package struct GPUStore: Sendable {
    let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of the units that a filter lets through, by node and address.
    package func units(
        _ query: ListQuery = ListQuery(),
        _ filter: GPUFilter = GPUFilter()
    ) async throws -> Page<GPURecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT d.id, n.name, d.address FROM gpu_device d JOIN compute_node n ON n.id = d.node_id
                    WHERE (\(filter.node)::text IS NULL OR n.name = \(filter.node)::text)
                        AND (\(filter.state)::text IS NULL OR d.told_state = \(filter.state)::text)
                        AND (\(filter.type)::text IS NULL OR d.gpu_type = \(filter.type)::text)
                        AND (\(filter.machine)::bigint IS NULL OR d.vm_id = \(filter.machine)::bigint)
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY name, address
                    LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`, as all that follow.
    package func unit(_ id: GPUID) async throws -> GPURecord {
        try await database.read { try Self.record(id, $0) }
    }

    /// What became of a unit under each claim, newest first.
    package func uses(of id: GPUID, limit: Int) async throws -> [GPUUseRecord] {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT u.claim, u.vm_id, u.vm_name, u.organization_id, o.name AS organization, u.created_at, u.released_at,
                    u.cleaned_at, u.cleaning, u.faulty_at, u.fault
                FROM gpu_use u LEFT JOIN organization o ON o.id = u.organization_id
                WHERE u.gpu_id = \(id) ORDER BY u.claim DESC LIMIT \(limit)
                """
            )
            .map { row in
                try GPUUseRecord(
                    claim: row["claim"],
                    machineID: row["vm_id"],
                    machineName: row["vm_name"],
                    organizationID: row["organization_id"],
                    organizationName: row["organization"],
                    startedAt: row["created_at"],
                    releasedAt: row["released_at"],
                    cleanedAt: row["cleaned_at"],
                    cleaning: row["cleaning"],
                    faultyAt: row["faulty_at"],
                    fault: row["fault"]
                )
            }
        }
    }

    /// Keeps a unit from machines to come. The one that has it keeps it, and it is cleaned afterwards as ever.
    package func cordon(_ id: GPUID, reason: String) async throws -> GPURecord {
        try await change(id) { _ in "UPDATE gpu_device SET cordoned = true, cordon_reason = \(reason) WHERE id = \(id)"
        }
    }

    /// Lets machines have a unit again. One that was returned to its host is cleaned first.
    package func uncordon(_ id: GPUID) async throws -> GPURecord {
        try await change(id) { unit in
            unit.isReturned
                ? """
                UPDATE gpu_device SET cordoned = false, cordon_reason = NULL, returned = false, reason = NULL,
                    state = 'sanitizing', claim = claim + 1
                WHERE id = \(id)
                """
                : "UPDATE gpu_device SET cordoned = false, cordon_reason = NULL WHERE id = \(id)"
        }
    }

    /// Has a unit given back to the drivers that its host has for it, and keeps it from machines.
    ///
    /// - Throws: ``ResourceRefusal`` with `wrongState` for one that a machine has, or that is being cleaned.
    package func returnToHost(_ id: GPUID, reason: String) async throws -> GPURecord {
        try await change(id) { unit in
            guard unit.state == .free || unit.state == .faulty else { throw unit.refuses("return") }
            return """
                UPDATE gpu_device SET cordoned = true, cordon_reason = \(reason), returned = true, state = 'faulty',
                    reason = \(StoredGPU.returned)
                WHERE id = \(id)
                """
        }
    }

    /// Has a faulty unit cleaned anew. It is free once its node says that this worked.
    ///
    /// - Throws: ``ResourceRefusal`` with `wrongState` for one that is not faulty.
    package func retry(_ id: GPUID) async throws -> GPURecord {
        try await change(id) { unit in
            guard unit.state == .faulty, !unit.isReturned else { throw unit.refuses("try again") }
            return "UPDATE gpu_device SET state = 'sanitizing', claim = claim + 1, reason = NULL WHERE id = \(id)"
        }
    }

    private func change(
        _ id: GPUID,
        _ statement: @escaping @Sendable (GPURecord) throws -> SQL
    ) async throws -> GPURecord {
        try await database.transaction { transaction in
            _ = try transaction.query("SELECT FROM gpu_device WHERE id = \(id) FOR UPDATE")
            try transaction.execute(try statement(try Self.record(id, transaction)))
            return try Self.record(id, transaction)
        }
    }

    private static func record(_ id: GPUID, _ transaction: Transaction) throws -> GPURecord {
        guard let record = try records([id], transaction).first else {
            throw ResourceRefusal(.notFound, "GPU \(id) does not exist.")
        }
        return record
    }

    /// The units with these ids, by node and address.
    static func records(_ ids: [GPUID], _ transaction: Transaction) throws -> [GPURecord] {
        guard !ids.isEmpty else { return [] }
        return
            try transaction.query(
                """
                SELECT \(raw: columns) FROM \(raw: tables) WHERE d.id = ANY (\(ids)::bigint[]) ORDER BY n.name, d.address
                """
            )
            .map(record)
    }

    /// The units of some nodes, by node and address.
    static func records(of nodes: [NodeID], _ transaction: Transaction) throws -> [GPURecord] {
        try transaction.query(
            """
            SELECT \(raw: columns) FROM \(raw: tables)
            WHERE d.node_id = ANY (\(nodes)::bigint[]) ORDER BY n.name, d.address
            """
        )
        .map(record)
    }

    private static let columns: StaticString = """
        d.id, n.name AS node, r.name AS region, d.address, d.model, d.gpu_type, d.numa_node, d.iommu_group,
        d.functions::text AS functions, (
            SELECT coalesce(jsonb_agg(jsonb_build_object('id', p.number, 'size', cardinality(p.addresses),
                'active', p.active) ORDER BY p.number), '[]')
            FROM fabric_partition p WHERE p.node_id = d.node_id AND d.address = ANY (p.addresses)
        )::text AS partitions,
        d.told_state, d.present, d.cordoned, d.cordon_reason, d.returned, d.reason, d.claim, d.cleaning,
        d.vm_id, vm.name AS vm_name, d.orphan_id, d.created_at, d.updated_at
        """

    private static let tables: StaticString = """
        gpu_device d JOIN compute_node n ON n.id = d.node_id JOIN region r ON r.id = n.region_id
            LEFT JOIN virtual_machine vm ON vm.id = d.vm_id
        """

    private static func partitions(_ json: String) throws -> [GPURecord.Partition] {
        try NodeJSON.decoder.decode([GPURecord.Partition].self, from: Data(json.utf8))
    }

    private static func record(_ row: Row) throws -> GPURecord {
        try GPURecord(
            id: row["id"],
            node: row["node"],
            regionName: row["region"],
            address: row["address"],
            model: row["model"],
            type: row["gpu_type"],
            numaNode: row["numa_node"],
            iommuGroup: row["iommu_group"],
            functions: PCIFunction.list(row["functions"]),
            partitions: partitions(row["partitions"]),
            state: row["told_state"],
            isPresent: row["present"],
            cordoned: row["cordoned"],
            cordonReason: row["cordon_reason"],
            isReturned: row["returned"],
            reason: row["reason"],
            claim: row["claim"],
            cleaning: row["cleaning"],
            machineID: row["vm_id"],
            machineName: row["vm_name"],
            orphanID: row["orphan_id"],
            createdAt: row["created_at"],
            updatedAt: row["updated_at"]
        )
    }
}

/// Which units of a list are wanted; nil for all.
package struct GPUFilter: Sendable, Hashable {
    /// The node's name.
    package var node: String?
    package var state: GPURecord.State?
    /// As in flavors.
    package var type: String?
    /// That has them now.
    package var machine: VirtualMachineID?

    package init(
        node: String? = nil,
        state: GPURecord.State? = nil,
        type: String? = nil,
        machine: VirtualMachineID? = nil
    ) {
        (self.node, self.state, self.type, self.machine) = (node, state, type, machine)
    }
}

extension GPURecord {
    fileprivate func refuses(_ wish: String) -> ResourceRefusal {
        let state =
            switch self.state {
            case .free: "free and clean; there is nothing to \(wish)"
            case .allocated:
                if let orphanID {
                    "of orphan \(orphanID); it is cleaned when that was removed"
                } else {
                    "in VM \(machineName ?? ""); it is cleaned when the VM gives it up"
                }
            case .sanitizing where !isPresent: "not in its host; it is cleaned when it is back"
            case .sanitizing: "being cleaned already; it is free or faulty after that"
            case .faulty: "with its host, to which an operator returned it; uncordon takes it back"
            }
        return ResourceRefusal(.wrongState, "GPU \(id), \(address) on node \(node), is \(state).")
    }
}
