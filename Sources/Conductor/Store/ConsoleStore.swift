// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import GantryModel
package import Postgres

/// Tenants' consoles: asked for, then opened once with a token that is known by its digest alone.
package struct ConsoleStore: Sendable {
    private let database: Database

    /// How long after it was asked for a console can be opened, and how long a token is good, in seconds.
    private static let lifetime = 300

    package init(database: Database) {
        self.database = database
    }

    /// Makes a token for a console, in place of one made before.
    ///
    /// - Returns: nil when the machine has no such console, or not any more.
    package func token(
        for console: ConsoleID,
        of machine: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> String? {
        let token = Secret.make()
        let count = try await database.transaction { transaction in
            try transaction.execute(
                """
                UPDATE console c SET token_digest = \(Self.digest(of: token))
                FROM virtual_machine vm
                WHERE c.id = \(console) AND c.opened_at IS NULL AND vm.id = c.vm_id AND vm.id = \(machine)
                    AND vm.organization_id = \(organization) AND vm.deleted_at IS NULL
                    AND c.created_at > now() - make_interval(secs => \(Self.lifetime))
                """
            )
        }
        return count == 1 ? token : nil
    }

    /// Uses a token up.
    ///
    /// - Returns: whose console it opens; nil when it opens none, or not any more.
    func use(_ token: String) async throws -> (machine: VirtualMachineID, organization: OrganizationID)? {
        try await database.transaction { transaction in
            try transaction.query(
                """
                UPDATE console c SET opened_at = now()
                FROM virtual_machine vm
                WHERE c.token_digest = \(Self.digest(of: token)) AND c.opened_at IS NULL AND vm.id = c.vm_id
                    AND vm.deleted_at IS NULL AND c.created_at > now() - make_interval(secs => \(Self.lifetime))
                RETURNING vm.id, vm.organization_id
                """
            )
            .first.map { try ($0["id"], $0["organization_id"]) }
        }
    }

    /// Whether a node is asked to connect a console now.
    func isAsked(_ job: MachineJobID, of node: NodeID) async throws -> Bool {
        try await database.read { transaction in
            try
                !transaction.query(
                    """
                    SELECT 1 FROM machine_job j JOIN virtual_machine vm ON vm.id = j.vm_id
                    WHERE j.id = \(job) AND j.kind = 'console' AND j.state = 'pending' AND vm.node_id = \(node)
                    """
                )
                .isEmpty
        }
    }

    private static func digest(of token: String) -> Data {
        Data(SHA256.hash(data: Data(token.utf8)))
    }
}
