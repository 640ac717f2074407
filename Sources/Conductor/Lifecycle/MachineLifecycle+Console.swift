// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol
import Postgres

extension MachineLifecycle {
    /// How long a browser waits for the node, in seconds.
    private static let consolePatience = 30

    /// Makes a console for a running machine, which can be opened once.
    ///
    /// - Returns: the machine's name, and the console.
    /// - Throws: ``MachineRefusal`` with `notFound` or `wrongState`.
    package func addConsole(
        of id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> (name: String, console: ConsoleID) {
        try await database.transaction { transaction in
            guard let machine = try StoredMachine.lock(id, in: organization, transaction) else {
                throw Self.notFound(id)
            }
            try machine.requireDisplay()
            let rows = try transaction.query(
                "INSERT INTO console (vm_id, user_id) VALUES (\(id), \(user)) RETURNING id"
            )
            guard let console: ConsoleID = try rows.first?["id"] else {
                throw PostgresError(.decoding, "a new console has no row")
            }
            return (machine.name, console)
        }
    }

    /// Asks a machine's node to dial out for a browser that waits.
    ///
    /// - Returns: the job by whose number the node comes.
    /// - Throws: ``MachineRefusal`` with `notFound` or `wrongState`.
    func requestConsole(
        of id: VirtualMachineID,
        in organization: OrganizationID,
        conductor: String?
    ) async throws -> MachineJobID {
        try await change(id, in: organization, by: nil) { machine, transaction in
            try machine.requireDisplay()
            return try MachineJobStore.add(
                .console(conductor: conductor),
                for: machine,
                by: nil,
                seconds: Self.consolePatience,
                event: MachineEvent(.normal, .consoleOpened, "The console of instance \(machine.name) was opened."),
                transaction
            )
        }
        .1
    }
}

extension StoredMachine {
    fileprivate func requireDisplay() throws(MachineRefusal) {
        guard phase == .active else {
            throw refusal("its console is there when it is ACTIVE")
        }
    }
}
