// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Postgres

/// The keys that machines have.
enum MachineKeys {
    /// The lines that a machine's guest was given.
    static func lines(of machine: VirtualMachineID, _ transaction: Transaction) throws -> [String] {
        try transaction.query("SELECT public_key FROM vm_key_binding WHERE vm_id = \(machine) ORDER BY position")
            .map { try $0["public_key"] }
    }

    /// Looks key pairs of a machine's environment up.
    ///
    /// - Throws: ``MachineRefusal`` with `notFound` that names the field.
    static func named(
        _ names: [String],
        for machine: VirtualMachineID,
        _ transaction: Transaction
    ) throws -> [AuthorizedKeysChange.Key] {
        let rows = try transaction.query(
            """
            SELECT asked.name, rtrim(k.public_key, E'\\r\\n') AS public_key
            FROM virtual_machine vm
                CROSS JOIN unnest(\(names)::text[]) WITH ORDINALITY AS asked (name, position)
                LEFT JOIN key k ON k.environment_id = vm.environment_id AND k.name = asked.name
            WHERE vm.id = \(machine) ORDER BY asked.position
            """
        )
        return try rows.map { row in
            let name: String = try row["name"]
            guard let line: String = try row["public_key"] else {
                throw MachineRefusal(
                    .notFound,
                    "key_names: there is no key pair “\(name)” in the machine's environment."
                )
            }
            return AuthorizedKeysChange.Key(name: name, publicKey: line)
        }
    }

    /// What gives a machine these keys in place of those that it has.
    static func replacement(of machine: VirtualMachineID, by keys: [AuthorizedKeysChange.Key]) -> [SQL] {
        [
            "DELETE FROM vm_key_binding WHERE vm_id = \(machine)",
            """
            INSERT INTO vm_key_binding (vm_id, position, key_id, name, public_key)
            SELECT vm.id, new.position, k.id, new.name, new.line
            FROM virtual_machine vm
                CROSS JOIN unnest(\(keys.map(\.name))::text[], \(keys.map(\.publicKey))::text[])
                    WITH ORDINALITY AS new (name, line, position)
                LEFT JOIN key k ON k.environment_id = vm.environment_id AND k.name = new.name
                    AND rtrim(k.public_key, E'\\r\\n') = new.line
            WHERE vm.id = \(machine)
            """,
        ]
    }
}
