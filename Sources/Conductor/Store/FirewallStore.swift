// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// Firewalls, always within one organization. What changes machines is in ``MachineLifecycle``.
package struct FirewallStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// One page of them, oldest first; of environments whose name holds a text, where one is given.
    package func firewalls(
        in organization: OrganizationID,
        environment: String? = nil,
        _ query: ListQuery
    ) async throws -> Page<FirewallRecord> {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT f.id FROM firewall f JOIN environment e ON e.id = f.environment_id
                    WHERE e.organization_id = \(organization)
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(f.name)) > 0)
                        AND (\(environment)::text IS NULL
                            OR position(lower(\(environment)::text) IN lower(e.name)) > 0)
                        AND (\(query.environments)::bigint[] IS NULL
                            OR f.environment_id = ANY (\(query.environments)::bigint[]))
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            return try Page(found) { try Self.records($0, in: organization, transaction) }
        }
    }

    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func firewall(_ id: FirewallID, in organization: OrganizationID) async throws -> FirewallRecord {
        try await database.read { try Self.record(id, in: organization, $0) }
    }

    /// Makes a firewall without rules and machines.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` for the environment, `taken` for the name.
    package func create(
        _ name: String,
        description: String,
        environment: EnvironmentID,
        in organization: OrganizationID
    ) async throws -> FirewallRecord {
        do {
            return try await database.transaction { transaction in
                let rows = try transaction.query(
                    """
                    INSERT INTO firewall (environment_id, name, description)
                    SELECT id, \(name), \(description) FROM environment
                    WHERE id = \(environment) AND organization_id = \(organization) RETURNING id
                    """
                )
                guard let id: FirewallID = try rows.first?["id"] else {
                    throw ResourceRefusal(.notFound, "Environment \(environment) does not exist.")
                }
                return try Self.record(id, in: organization, transaction)
            }
        } catch let error as PostgresError where error.isUniqueViolation("firewall_name_unique") {
            throw ResourceRefusal(
                .taken,
                "There is a firewall named “\(name)” in this environment; choose another name."
            )
        }
    }

    /// Removes a firewall that no machine has.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `inUse`.
    package func remove(_ id: FirewallID, in organization: OrganizationID) async throws {
        try await database.transaction { transaction in
            // Under the lock it comes to no machine.
            let firewall = try LockedFirewall.lock([id], in: organization, transaction)[0]
            let rows = try transaction.query(
                """
                SELECT count(*) AS count FROM firewall_attachment a JOIN virtual_machine vm ON vm.id = a.vm_id
                WHERE a.firewall_id = \(id) AND vm.deleted_at IS NULL
                """
            )
            let count: Int = try rows.first?["count"] ?? 0
            guard count == 0 else {
                throw ResourceRefusal(
                    .inUse,
                    "Firewall “\(firewall.name)” is attached to virtual machines: \(count). Detach it from them first."
                )
            }
            try transaction.execute("DELETE FROM firewall WHERE id = \(id)")
        }
    }

    // MARK: - Parts

    private static func record(
        _ id: FirewallID,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> FirewallRecord {
        guard let record = try records([id], in: organization, transaction).first else {
            throw LockedFirewall.notFound(id)
        }
        return record
    }

    private static func records(
        _ ids: [FirewallID],
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> [FirewallRecord] {
        let results = try transaction.together([
            """
            SELECT f.id, f.name, f.description, f.created_at, e.id AS environment_id, e.name AS environment_name,
                r.id AS region_id, r.name AS region_name
            FROM firewall f JOIN environment e ON e.id = f.environment_id JOIN region r ON r.id = e.region_id
            WHERE f.id = ANY (\(ids)::bigint[]) AND e.organization_id = \(organization) ORDER BY f.id
            """,
            """
            SELECT firewall_id, id, direction, ethertype, protocol, remote, port_min, port_max, created_at
            FROM firewall_rule WHERE firewall_id = ANY (\(ids)::bigint[]) ORDER BY id
            """,
            """
            SELECT a.firewall_id, a.id, a.created_at, vm.applied_generation >= a.generation AS applied,
                vm.id AS vm_id, vm.name, vm.phase, vm.observed_power, vm.created_at AS vm_created_at,
                f.name AS flavor, coalesce(n.state = 'silent', false) AS node_silent
            FROM firewall_attachment a JOIN virtual_machine vm ON vm.id = a.vm_id
                JOIN flavor f ON f.id = vm.flavor_id LEFT JOIN compute_node n ON n.id = vm.node_id
            WHERE a.firewall_id = ANY (\(ids)::bigint[]) AND vm.deleted_at IS NULL ORDER BY vm.id
            """,
        ])
        let rules = Dictionary(grouping: try results[1].rows.map(rule)) { $0.firewall }
        let attachments = Dictionary(grouping: try results[2].rows.map(attachment)) { $0.firewall }
        return try results[0].rows
            .map { row in
                let id: FirewallID = try row["id"]
                return try FirewallRecord(
                    id: id,
                    name: row["name"],
                    description: row["description"],
                    environment: VirtualMachineRecord.Environment(
                        id: row["environment_id"],
                        name: row["environment_name"],
                        regionID: row["region_id"],
                        regionName: row["region_name"]
                    ),
                    rules: (rules[id] ?? []).map(\.rule),
                    attachments: (attachments[id] ?? []).map(\.attachment),
                    createdAt: row["created_at"]
                )
            }
    }

    private static func rule(_ row: Row) throws -> (firewall: FirewallID, rule: FirewallRecord.Rule) {
        try (
            row["firewall_id"],
            FirewallRecord.Rule(id: row["id"], rule: row.securityRule, createdAt: row["created_at"])
        )
    }

    private static func attachment(
        _ row: Row
    ) throws -> (firewall: FirewallID, attachment: FirewallRecord.Attachment) {
        let situation = try MachineSituation(
            phase: row["phase"],
            observed: row["observed_power"],
            nodeSilent: row["node_silent"]
        )
        let attachment = try FirewallRecord.Attachment(
            id: row["id"],
            machine: FirewallRecord.Machine(
                id: row["vm_id"],
                name: row["name"],
                flavorName: row["flavor"],
                status: situation.status,
                createdAt: row["vm_created_at"]
            ),
            isApplied: row["applied"],
            createdAt: row["created_at"]
        )
        return (try row["firewall_id"], attachment)
    }
}
