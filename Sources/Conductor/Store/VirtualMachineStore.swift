// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// Reads virtual machines, always within one organization.
package struct VirtualMachineStore: Sendable {
    let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// A machine that is not deleted; nil when the organization has none of that id.
    package func machine(_ id: VirtualMachineID, in organization: OrganizationID) async throws -> VirtualMachineRecord?
    {
        try await database.read { transaction in
            try Self.records([id], transaction).first { $0.organizationID == organization && $0.deletedAt == nil }
        }
    }

    /// Machines by their ids, without those that are deleted or another organization's.
    package func machines(
        _ ids: [VirtualMachineID],
        in organization: OrganizationID
    ) async throws -> [VirtualMachineRecord] {
        try await database.read { transaction in
            try Self.records(ids, transaction).filter { $0.organizationID == organization && $0.deletedAt == nil }
        }
    }

    /// One page of the organization's machines, oldest first. Three statements however many there are.
    package func machines(in organization: OrganizationID, _ query: MachineQuery) async throws -> MachinePage {
        try await database.read { transaction in
            let found = try transaction.query(
                """
                WITH matching AS (
                    SELECT vm.id FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id
                    WHERE vm.organization_id = \(organization) AND vm.deleted_at IS NULL
                        AND (\(query.search)::text IS NULL
                            OR position(lower(\(query.search)::text) IN lower(vm.name)) > 0
                            OR EXISTS (
                                SELECT FROM vm_label l WHERE l.vm_id = vm.id AND l.label = \(query.search)::text))
                        AND (\(query.environment)::text IS NULL OR CASE WHEN \(query.exactEnvironment)
                            THEN e.name = \(query.environment)::text
                            ELSE position(lower(\(query.environment)::text) IN lower(e.name)) > 0 END)
                        AND (\(query.environments)::bigint[] IS NULL
                            OR vm.environment_id = ANY (\(query.environments)::bigint[]))
                        AND NOT EXISTS (
                            SELECT FROM firewall_attachment a
                            WHERE a.vm_id = vm.id AND a.firewall_id = ANY (\(query.excludedFirewalls)::bigint[]))
                )
                SELECT (SELECT count(*) FROM matching) AS count, ARRAY(
                    SELECT id FROM matching ORDER BY id LIMIT \(query.limit)::bigint OFFSET \(query.offset)::bigint
                ) AS ids
                """
            )
            let page = try Page(found) { try Self.records($0, transaction) }
            return MachinePage(machines: page.elements, count: page.count)
        }
    }

    /// A machine's history, oldest first; nil when the organization has no such machine.
    package func events(
        of machine: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> [MachineEventRecord]? {
        try await database.read { transaction in
            let known = try transaction.query(
                """
                SELECT name FROM virtual_machine
                WHERE id = \(machine) AND organization_id = \(organization) AND deleted_at IS NULL
                """
            )
            guard let name: String = try known.first?["name"] else { return nil }
            let rows = try transaction.query(
                """
                SELECT user_id, type, reason, message, created_at FROM vm_event
                WHERE vm_id = \(machine) ORDER BY id LIMIT 1000
                """
            )
            return try rows.map { row in
                try MachineEventRecord(
                    machineID: machine,
                    machineName: name,
                    organizationID: organization,
                    userID: row["user_id"],
                    kind: row["type"],
                    reason: row["reason"],
                    message: row["message"],
                    createdAt: row["created_at"]
                )
            }
        }
    }

    /// Whether new machines could have these names in any, or in one, environment of the organization.
    package func areNamesFree(
        _ names: [String],
        in organization: OrganizationID,
        environment: EnvironmentID? = nil
    ) async throws -> Bool {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT 1 FROM virtual_machine
                WHERE organization_id = \(organization) AND deleted_at IS NULL AND name = ANY (\(names)::text[])
                    AND (\(environment)::bigint IS NULL OR environment_id = \(environment)::bigint)
                LIMIT 1
                """
            )
            .isEmpty
        }
    }
}

/// Which machines to list.
package struct MachineQuery: Sendable, Hashable {
    /// In the name, whatever the case, or a whole label.
    package var search: String?
    /// In the environment's name, or all of it.
    package var environment: String?
    package var exactEnvironment: Bool
    /// Only those in one of these; nil for all.
    package var environments: [EnvironmentID]?
    /// Machines that have any of these are left out.
    package var excludedFirewalls: [FirewallID]
    /// From 1.
    package var page: Int
    /// Nil for all machines on one page.
    package var pageSize: Int?

    package init(
        search: String? = nil,
        environment: String? = nil,
        exactEnvironment: Bool = false,
        environments: [EnvironmentID]? = nil,
        excludedFirewalls: [FirewallID] = [],
        page: Int = 1,
        pageSize: Int? = nil
    ) {
        self.search = search
        self.environment = environment
        self.exactEnvironment = exactEnvironment
        self.environments = environments
        self.excludedFirewalls = excludedFirewalls
        self.page = page
        self.pageSize = pageSize
    }

    var limit: Int? { pageSize }
    var offset: Int {
        let (offset, overflow) = max(0, page - 1).multipliedReportingOverflow(by: pageSize ?? 0)
        return overflow ? Int.max : offset
    }
}

/// A page of machines, and how many all pages together have.
package struct MachinePage: Sendable {
    package var machines: [VirtualMachineRecord]
    package var count: Int
}
