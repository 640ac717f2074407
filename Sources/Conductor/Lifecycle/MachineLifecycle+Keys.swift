// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol
import Postgres

extension MachineLifecycle {
    /// How long a guest has for it, with its node's restarts.
    private static let keysPatience = 600

    /// Asks a running machine's guest to take other keys. The machine's keys change once its guest has them; its events
    /// say when, or why not.
    ///
    /// - Returns: the machine, which still has the keys it had.
    /// - Throws: ``MachineRefusal`` with `notFound`, `wrongState`, or `conflict` while an earlier change is under way.
    @discardableResult
    package func changeKeys(
        to names: [String],
        of id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        try await change(id, in: organization, by: user) { machine, transaction in
            guard machine.phase == .active else {
                throw machine.refusal("its keys are changed when it is ACTIVE, since its guest takes them")
            }
            try Self.requireNoOther("authorized_keys", for: machine, transaction)
            let change = AuthorizedKeysChange(
                wanted: try MachineKeys.named(names, for: id, transaction),
                former: try MachineKeys.lines(of: id, transaction)
            )
            return try MachineJobStore.add(
                .authorizedKeys(change),
                for: machine,
                by: user,
                seconds: Self.keysPatience,
                event: MachineEvent(.normal, .keysChangeRequest, "Instance \(machine.name) Change Keys Request Sent."),
                transaction
            )
        }
        .0
    }

    /// Two at once could leave what neither wanted.
    private static func requireNoOther(
        _ kind: String,
        for machine: StoredMachine,
        _ transaction: Transaction
    ) throws {
        let rows = try transaction.query(
            """
            SELECT 1 FROM machine_job
            WHERE vm_id = \(machine.id) AND kind = \(kind) AND state = 'pending' AND expires_at > now()
            """
        )
        guard rows.isEmpty else {
            throw MachineRefusal(
                .conflict,
                "The keys of VM \(machine.name) are being changed; its events say when that is done."
            )
        }
    }
}
