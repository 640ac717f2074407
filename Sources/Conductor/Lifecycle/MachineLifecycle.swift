// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// What tenants ask of virtual machines. Each operation is one transaction: intent, claims, the word to the node and
/// the line of history; the node does the rest.
package struct MachineLifecycle: Sendable {
    let database: Database
    let limits: PhaseTimeLimits
    let outbox: OutboxSignal

    /// How often a claim that another request came before is tried anew. Each loss is another request's success.
    static let maximumAttempts = 24

    package init(database: Database, limits: PhaseTimeLimits = PhaseTimeLimits(), outbox: OutboxSignal) {
        (self.database, self.limits, self.outbox) = (database, limits, outbox)
    }

    /// Makes one or several machines: places them, claims what they need, and leaves the rest to their nodes.
    ///
    /// - Throws: ``MachineRefusal`` when nothing was made.
    package func create(_ creation: MachineCreation) async throws -> MachineCreationOutcome {
        try Self.validate(creation)
        var attempt = 1
        while true {
            do {
                let limits = limits
                let outcome = try await database.transaction { transaction in
                    try MachineCreator(creation: creation, limits: limits, transaction: transaction).run()
                }
                if !outcome.repeated { outbox.raise() }
                return outcome
            } catch is CapacitySearch.ClaimLost where attempt < Self.maximumAttempts {
                attempt += 1
            } catch is CapacitySearch.ClaimLost {
                throw MachineRefusal(.noCapacity, "Other requests took every place that was found; try again.")
            } catch let error as PostgresError where Self.mayPass(error, creation) && attempt < Self.maximumAttempts {
                attempt += 1
            } catch let error as PostgresError where error.isUniqueViolation("profile_name_unique") {
                let name = creation.profile?.name ?? ""
                throw MachineRefusal(
                    .nameTaken,
                    "profile.name: there is a profile named “\(name)”; choose another name."
                )
            } catch let error as PostgresError where error.isUniqueViolation("virtual_machine_name_unique") {
                throw try Self.nameTaken(creation)
            } catch let error as PostgresError where error.isUniqueViolation("volume_name_unique") {
                throw MachineRefusal(
                    .nameTaken,
                    "A volume of the environment has the name that the new bootable volume would get, which is the "
                        + "machine's; choose another."
                )
            }
        }
    }

    /// The machines, deleted ones too, that an earlier request with this idempotency key made; nil for a new key.
    ///
    /// - Throws: ``MachineRefusal`` with `idempotencyMismatch` when the earlier request was another one.
    package func earlier(
        _ claim: IdempotencyClaim,
        in organization: OrganizationID
    ) async throws -> [VirtualMachineRecord]? {
        try await database.read { transaction in
            try IdempotencyStore.find(claim, for: organization, transaction)
                .map { try VirtualMachineStore.records($0, transaction) }
        }
    }

    private static func validate(_ creation: MachineCreation) throws(MachineRefusal) {
        guard (1...MachineCreation.maximumCount).contains(creation.count) else {
            throw MachineRefusal(.invalid, "count is \(creation.count); it is 1 to \(MachineCreation.maximumCount).")
        }
        if let name = creation.name {
            _ = try MachineNames.numbered(name, count: creation.count)
        }
    }

    /// Whether the same request may succeed with other random choices: a made-up name or MAC that is taken, or
    /// something that the request names and that was deleted under it, which the next attempt then says.
    private static func mayPass(_ error: PostgresError, _ creation: MachineCreation) -> Bool {
        if error.isUniqueViolation("virtual_machine_name_unique") { return creation.name == nil }
        return error.isUniqueViolation("virtual_machine_mac_unique") || error.sqlState == "23503"
    }

    private static func nameTaken(_ creation: MachineCreation) throws -> MachineRefusal {
        let name = creation.name ?? ""
        let names =
            creation.count > 1 ? "One of the names “\(name)-1” to “\(name)-\(creation.count)”" : "The name “\(name)”"
        return MachineRefusal(.nameTaken, "\(names) is in use in this environment; choose another.")
    }
}
