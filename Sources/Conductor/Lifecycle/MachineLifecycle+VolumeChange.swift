// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

/// What is to become of a volume; nil for what stays.
package struct VolumeChange: Sendable, Hashable {
    package var name: String?
    package var description: String?
    package var sizeGiB: Int?
    /// The name of another environment of the same region.
    package var environment: String?
}

extension MachineLifecycle {
    /// Changes a volume. One that a machine has grows under it.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`, `invalid`, `wrongState` or `taken`; ``MachineRefusal`` when the
    ///   machine that has it does not allow it, or its node has no room.
    package func changeVolume(
        _ id: VolumeID,
        _ change: VolumeChange,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VolumeRecord {
        do {
            let machine: VirtualMachineID? = try await database.read { transaction in
                try transaction.query("SELECT vm_id FROM volume_attachment WHERE volume_id = \(id)").first?["vm_id"]
            }
            guard let machine, change.sizeGiB != nil else {
                return try await database.transaction { transaction in
                    try Self.change(id, change, of: nil, in: organization, transaction).record
                }
            }
            return try await growVolume(id, change, of: machine, in: organization, by: user)
        } catch let error as PostgresError where error.isUniqueViolation("volume_name_unique") {
            throw VolumeStore.taken(change.name ?? "")
        }
    }

    private func growVolume(
        _ id: VolumeID,
        _ change: VolumeChange,
        of machine: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VolumeRecord {
        // Another organization's machine is not spoken of: the volume is not the caller's either.
        let isOwn = try await database.read { transaction in
            try !transaction.query("SELECT FROM volume WHERE id = \(id) AND organization_id = \(organization)").isEmpty
        }
        guard isOwn else { throw LockedVolume.notFound(id) }
        return
            try await self.change(machine, in: organization, by: user) { machine, transaction in
                let (record, grows) = try Self.change(id, change, of: machine.id, in: organization, transaction)
                var transition = MachineTransition(of: machine)
                if grows {
                    try machine.requireRest("its volumes can grow")
                    transition.raiseGeneration(above: machine.generation)
                }
                return (transition, record)
            }
            .1
    }

    private static func change(
        _ id: VolumeID,
        _ change: VolumeChange,
        of machine: VirtualMachineID?,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> (record: VolumeRecord, grows: Bool) {
        let volume = try LockedVolume.lock([id], in: organization, transaction)[0]
        guard volume.state != .deleting else {
            throw ResourceRefusal(.wrongState, "Volume “\(volume.name)” is being deleted; it cannot be changed.")
        }
        let size = change.sizeGiB ?? volume.sizeGiB
        guard size >= volume.sizeGiB else {
            throw ResourceRefusal(
                .invalid,
                "size: volume “\(volume.name)” has \(volume.sizeGiB) GB and cannot become smaller; make a smaller one and "
                    + "copy what is on it."
            )
        }
        let grows = size > volume.sizeGiB
        guard !grows || volume.attachment?.machine == machine else {
            throw ResourceRefusal(.wrongState, "Volume “\(volume.name)” was attached or detached meanwhile; try again.")
        }
        if grows {
            try QuotaCheck(organization, volume.environment, asked: [.volumeGiB: size - volume.sizeGiB])
                .run(transaction)
        }
        let environment = try change.environment.map { try target($0, of: volume, in: organization, transaction) }
        try transaction.execute(
            """
            UPDATE volume SET size_gib = \(size), name = coalesce(\(change.name)::text, name),
                description = coalesce(\(change.description)::text, description),
                environment_id = coalesce(\(environment)::bigint, environment_id)
            WHERE id = \(id)
            """
        )
        if grows, let node = volume.node { try claim(size - volume.sizeGiB, of: node.id, transaction) }
        return (try VolumeStore.record(id, in: organization, transaction), grows)
    }

    /// The environment that a volume moves to.
    private static func target(
        _ name: String,
        of volume: LockedVolume,
        in organization: OrganizationID,
        _ transaction: Transaction
    ) throws -> EnvironmentID {
        let rows = try transaction.query(
            """
            SELECT e.id, e.region_id = o.region_id AS is_near FROM environment e, environment o
            WHERE e.name = \(name) AND e.organization_id = \(organization) AND o.id = \(volume.environment)
            FOR KEY SHARE OF e
            """
        )
        guard let row = rows.first else { throw ResourceRefusal.missing("environment_name", "environment", name) }
        guard try row["is_near"] else {
            throw ResourceRefusal(.invalid, "environment_name: “\(name)” is in another region than the volume.")
        }
        let id: EnvironmentID = try row["id"]
        guard volume.attachment == nil || id == volume.environment else {
            throw ResourceRefusal(.wrongState, "Volume “\(volume.name)” is attached; detach it before it is moved.")
        }
        return id
    }
}
