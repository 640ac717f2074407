// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension MachineLifecycle {
    /// Writes down that a machine is to be deleted, started, stopped or rebooted.
    ///
    /// - Returns: the machine afterwards; of one that was on no node and is gone at once, its last state.
    /// - Throws: ``MachineRefusal`` with `notFound` or `wrongState`.
    package func perform(
        _ operation: MachineOperation,
        on id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        try await change(id, in: organization, by: user) { machine, transaction in
            // Only a refusal speaks of it.
            let silent = try !machine.allows(operation) && isOnSilentNode(machine, transaction)
            return (try machine.asked(operation, nodeSilent: silent), ())
        }
        .0
    }

    /// Replaces a machine's labels.
    ///
    /// - Returns: the machine with the new labels.
    /// - Throws: ``MachineRefusal`` with `notFound`.
    package func setLabels(
        _ labels: [String],
        of id: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> VirtualMachineRecord {
        try await database.transaction { transaction in
            guard try StoredMachine.lock(id, in: organization, transaction) != nil else {
                throw Self.notFound(id)
            }
            try transaction.execute(
                "DELETE FROM vm_label WHERE vm_id = \(id) AND label <> ALL (\(labels)::text[])"
            )
            try transaction.execute(
                """
                INSERT INTO vm_label (vm_id, label) SELECT \(id), label FROM unnest(\(labels)::text[]) AS label
                ON CONFLICT DO NOTHING
                """
            )
            guard let record = try VirtualMachineStore.records([id], transaction).first else {
                throw Self.notFound(id)
            }
            return record
        }
    }

    private func isOnSilentNode(_ machine: StoredMachine, _ transaction: Transaction) throws -> Bool {
        try !transaction.query("SELECT 1 FROM compute_node WHERE id = \(machine.nodeID) AND state = 'silent'").isEmpty
    }

    static func notFound(_ id: VirtualMachineID) -> MachineRefusal {
        MachineRefusal(.notFound, "VM \(id) does not exists.")
    }
}
