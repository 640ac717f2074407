// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol

extension MachineLifecycle {
    /// How long a tenant waits for a log at most.
    private static let serialLogPatience = 300

    /// Asks a machine's node for the last lines of its serial console.
    ///
    /// - Returns: the machine's name, and the job that brings the log.
    /// - Throws: ``MachineRefusal`` with `notFound` or `wrongState`.
    package func requestSerialLog(
        lines: Int,
        of id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> (name: String, job: MachineJobID) {
        let (record, job) = try await change(id, in: organization, by: user) { machine, transaction in
            guard machine.phase == .active else {
                throw machine.refusal("its log is read when it is ACTIVE")
            }
            return try MachineJobStore.add(
                .serialLog(lines: lines),
                for: machine,
                by: user,
                seconds: Self.serialLogPatience,
                transaction
            )
        }
        return (record.name, job)
    }
}
