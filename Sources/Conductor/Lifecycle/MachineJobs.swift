// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
package import Postgres

/// Takes in what nodes' jobs came to.
package struct MachineJobs: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    /// Notes what a job came to, and what follows from it. One that is not waited for any more stays as it is.
    ///
    /// - Throws: ``NodeRefusal`` with `notFound` when it is none of this node's.
    package func finish(_ id: MachineJobID, _ outcome: MachineJobOutcome, by node: NodeID) async throws {
        try await database.transaction { transaction in
            guard let job = try Self.lock(id, node, transaction) else {
                throw NodeRefusal(.notFound, "There is no job \(id) for a machine of this node.")
            }
            guard job.state == .pending else { return }
            try transaction.execute(
                """
                UPDATE machine_job
                SET state = \(MachineJobRecord.State(outcome)), result = \(outcome.text),
                    fault_code = \(outcome.fault?.code), fault_message = \(outcome.fault?.message)
                WHERE id = \(id)
                """
            )
            switch job.work {
            case .serialLog, .console, .unknown: return
            case .snapshot: try transaction.execute(SnapshotFileStore.settlement)
            case .authorizedKeys(let change): try Self.follow(change, job, outcome.fault, transaction)
            }
        }
    }

    private struct Job {
        let state: MachineJobRecord.State
        let work: MachineJob.Work
        let machine: VirtualMachineID
        let machineName: String
        let organization: OrganizationID
        let user: UserID?
    }

    private static func lock(_ id: MachineJobID, _ node: NodeID, _ transaction: Transaction) throws -> Job? {
        try transaction.query(
            """
            SELECT j.state, j.work::text AS work, j.user_id, vm.id, vm.name, vm.organization_id
            FROM machine_job j JOIN virtual_machine vm ON vm.id = j.vm_id
            WHERE j.id = \(id) AND vm.node_id = \(node) FOR UPDATE
            """
        )
        .first
        .map { row in
            let work: String = try row["work"]
            return try Job(
                state: row["state"],
                work: NodeJSON.decoder.decode(MachineJob.Work.self, from: Data(work.utf8)),
                machine: row["id"],
                machineName: row["name"],
                organization: row["organization_id"],
                user: row["user_id"]
            )
        }
    }

    /// A machine's keys are those that its guest has.
    private static func follow(
        _ change: AuthorizedKeysChange,
        _ job: Job,
        _ fault: Fault?,
        _ transaction: Transaction
    ) throws {
        if fault == nil {
            _ = try transaction.together(MachineKeys.replacement(of: job.machine, by: change.wanted))
        }
        let event =
            if let fault {
                MachineEvent(
                    .warning,
                    .keysChangeFailed,
                    "Instance \(job.machineName) keeps its keys: \(fault.message)"
                )
            } else {
                MachineEvent(.normal, .keysChanged, "Instance \(job.machineName) Keys Changed Successfully.")
            }
        try transaction.execute(
            """
            INSERT INTO vm_event (vm_id, organization_id, user_id, type, reason, message)
            VALUES (\(job.machine), \(job.organization), \(job.user), \(event.kind), \(event.reason), \(event.message))
            """
        )
    }
}
