// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import Postgres

/// Machines that left a node and were not placed again, since a process died in between or there was no room.
package actor UnplacedMachines {
    private let database: Database
    private let placer: MachinePlacer
    private let batch: Int
    /// The one that was tried last. Those behind it are next, so that what finds no place keeps no other from its turn.
    private var last: VirtualMachineID?

    /// - Parameters:
    ///   - database: where machines are.
    ///   - placer: places them.
    ///   - batch: how many are tried in one round.
    package init(database: Database, placer: MachinePlacer, batch: Int = 200) {
        (self.database, self.placer, self.batch) = (database, placer, batch)
    }

    /// Tries those whose turn it is.
    package func placeNext() async throws {
        let (last, batch) = (last, batch)
        let machines: [VirtualMachineID] = try await database.read { transaction in
            try transaction.query(
                """
                SELECT id FROM virtual_machine WHERE node_id IS NULL AND phase IN ('creating', 'shutoff', 'hibernated')
                ORDER BY id <= \(last)::bigint, id LIMIT \(batch)
                """
            )
            .map { try $0["id"] }
        }
        for machine in machines {
            self.last = machine
            try await placer.place(machine)
        }
    }
}
