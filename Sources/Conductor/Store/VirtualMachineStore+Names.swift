// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension VirtualMachineStore {
    /// What a name or label means in the environment of a name; nil when the organization has no such environment. With
    /// at most `limit` machines that have the label.
    package func machines(
        called text: String,
        inEnvironment environment: String,
        of organization: OrganizationID,
        limit: Int
    ) async throws -> NamedMachines? {
        try await database.read { transaction in
            let found = try transaction.query(
                "SELECT id FROM environment WHERE organization_id = \(organization) AND name = \(environment)"
            )
            guard let id: EnvironmentID = try found.first?["id"] else { return nil }
            let rows = try transaction.query(
                """
                SELECT vm.id, vm.name, true AS is_name FROM virtual_machine vm
                WHERE vm.environment_id = \(id) AND vm.deleted_at IS NULL AND vm.name = \(text)
                UNION ALL
                (SELECT vm.id, vm.name, false FROM virtual_machine vm JOIN vm_label l ON l.vm_id = vm.id
                WHERE vm.environment_id = \(id) AND vm.deleted_at IS NULL AND l.label = \(text)
                ORDER BY vm.id LIMIT \(limit)::bigint)
                """
            )
            var machines = NamedMachines()
            for row in rows {
                let machine = try NamedMachines.Machine(id: row["id"], name: row["name"])
                if try row["is_name"] { machines.named = machine } else { machines.labelled.append(machine) }
            }
            machines.labelled.sort { $0.id < $1.id }
            return machines
        }
    }
}

/// The machines of an environment that a text stands for.
package struct NamedMachines: Sendable, Hashable {
    /// A machine and what it is called.
    package struct Machine: Sendable, Hashable {
        package var id: VirtualMachineID
        package var name: String
    }

    /// The one whose name it is.
    package var named: Machine?
    /// Those that have it as a label, oldest first.
    package var labelled: [Machine] = []
}
