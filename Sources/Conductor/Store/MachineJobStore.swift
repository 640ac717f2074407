// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
import GantryProtocol
package import Postgres

/// Jobs of machines: asked for by tenants, done by nodes, and kept for a while for those who asked.
package struct MachineJobStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// Asks for a job, in the transaction that raises its machine's generation.
    ///
    /// - Parameters:
    ///   - work: What the node has to do.
    ///   - machine: For which it does it.
    ///   - user: Who asks.
    ///   - seconds: How long somebody waits for it.
    ///   - event: What the machine's history says of it; nil for nothing.
    ///   - transaction: The machine's row is locked in it.
    /// - Returns: The machine with the generation that has the job, and the job.
    /// - Throws: what PostgreSQL says.
    static func add(
        _ work: MachineJob.Work,
        for machine: StoredMachine,
        by user: UserID?,
        seconds: Int,
        event: MachineEvent? = nil,
        _ transaction: Transaction
    ) throws -> (MachineTransition, MachineJobID) {
        let text = String(decoding: try NodeJSON.encoder.encode(work), as: UTF8.self)
        let rows = try transaction.query(
            """
            INSERT INTO machine_job (vm_id, user_id, work, expires_at)
            VALUES (\(machine.id), \(user), \(text)::jsonb, now() + make_interval(secs => \(seconds))) RETURNING id
            """
        )
        guard let id: MachineJobID = try rows.first?["id"] else {
            throw PostgresError(.decoding, "a new job has no row")
        }
        var transition = MachineTransition(of: machine)
        transition.raiseGeneration(above: machine.generation)
        if let event { transition.events.append(event) }
        return (transition, id)
    }

    /// A job of one machine; nil when the machine has none of that kind and number.
    package func job(
        _ id: MachineJobID,
        kind: String,
        of machine: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> MachineJobRecord? {
        try await database.read { transaction in
            try transaction.query(
                """
                SELECT j.state, j.result, j.fault_code, j.fault_message FROM machine_job j
                    JOIN virtual_machine vm ON vm.id = j.vm_id
                WHERE j.id = \(id) AND j.kind = \(kind) AND vm.id = \(machine)
                    AND vm.organization_id = \(organization) AND vm.deleted_at IS NULL
                """
            )
            .first
            .map { row in
                try MachineJobRecord(state: row["state"], result: row["result"], fault: row.fault)
            }
        }
    }
}

/// A job as those see it who asked for it.
package struct MachineJobRecord: Sendable, Hashable {
    package enum State: String, Sendable {
        case pending
        case done
        case failed

        init(_ outcome: MachineJobOutcome) {
            self = outcome.fault == nil ? .done : .failed
        }
    }

    package var state: State
    /// What it brought.
    package var result: String?
    package var fault: Fault?
}
