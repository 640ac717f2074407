// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol
import Postgres

/// What a new snapshot is to be called.
package struct NewSnapshot: Sendable, Hashable {
    package var name: String
    package var description: String
    package var labels: [String]
}

extension MachineLifecycle {
    /// How long a node may take for a snapshot at most.
    private static let snapshotPatience = 6 * 3600

    /// Has a machine's node copy its root disk into the image store.
    ///
    /// - Throws: ``MachineRefusal`` with `notFound` or `wrongState`; ``ResourceRefusal`` with `taken`.
    package func takeSnapshot(
        _ snapshot: NewSnapshot,
        of id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> SnapshotRecord {
        do {
            return try await change(id, in: organization, by: user) { machine, transaction in
                try machine.requireRest("a snapshot of it can be taken")
                guard machine.nodeID != nil else {
                    throw MachineRefusal(.wrongState, "VM \(machine.name) is on no node now; start it first.")
                }
                let uuid = StoredImageUUID()
                let (transition, job) = try MachineJobStore.add(
                    .snapshot(uuid),
                    for: machine,
                    by: user,
                    seconds: Self.snapshotPatience,
                    event: MachineEvent(
                        .normal,
                        .snapshotRequest,
                        "Snapshot \(snapshot.name) Creation Request Sent."
                    ),
                    transaction
                )
                let rows = try transaction.query(Self.insert(snapshot, uuid, job, of: id, by: user))
                guard let made: SnapshotID = try rows.first?["id"] else { throw Self.notFound(id) }
                return (transition, try SnapshotStore.record(made, in: organization, transaction))
            }
            .1
        } catch let error as PostgresError where error.isUniqueViolation("snapshot_name_unique") {
            throw ResourceRefusal(.taken, "There is a snapshot named “\(snapshot.name)”; choose another name.")
        }
    }

    private static func insert(
        _ snapshot: NewSnapshot,
        _ uuid: StoredImageUUID,
        _ job: MachineJobID,
        of machine: VirtualMachineID,
        by user: UserID?
    ) -> SQL {
        """
        INSERT INTO snapshot (uuid, organization_id, environment_id, region_id, created_by, name, description, labels,
            vm_id, vm_name, volume_id, volume_name, flavor_id, base_image_id, key_ids, has_floating_ip, job_id, size_gib)
        SELECT \(uuid), vm.organization_id, e.id, e.region_id, \(user), \(snapshot.name), \(snapshot.description),
            \(snapshot.labels)::text[], vm.id, vm.name, v.id, v.name, vm.flavor_id, vm.image_id,
            ARRAY(SELECT k.key_id FROM vm_key_binding k WHERE k.vm_id = vm.id AND k.key_id IS NOT NULL
                ORDER BY k.position), vm.assign_floating_ip, \(job),
            coalesce(v.size_gib, vm.disk_gib)
        FROM virtual_machine vm JOIN environment e ON e.id = vm.environment_id
            LEFT JOIN volume_attachment a ON a.vm_id = vm.id AND a.boot LEFT JOIN volume v ON v.id = a.volume_id
        WHERE vm.id = \(machine) RETURNING id
        """
    }

    /// Makes a machine of a snapshot, like the one that it was taken of.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound` or `wrongState`, and what ``create(_:)`` throws.
    package func restore(
        _ id: SnapshotID,
        as name: String,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> VirtualMachineRecord {
        let creation = try await database.transaction { transaction in
            let snapshot = try SnapshotStore.available(id, in: organization, transaction)
            let rows = try transaction.query(
                """
                SELECT s.environment_id, s.flavor_id, s.has_floating_ip, i.id AS image,
                    ARRAY(SELECT k.id FROM unnest(s.key_ids) WITH ORDINALITY AS asked (id, position)
                        JOIN key k ON k.id = asked.id ORDER BY asked.position) AS keys
                FROM snapshot s JOIN image i ON i.snapshot_id = s.id AND NOT i.listed AND i.deleted_at IS NULL
                WHERE s.id = \(id)
                """
            )
            guard let row = rows.first, let environment: EnvironmentID = try row["environment_id"] else {
                throw ResourceRefusal(
                    .wrongState,
                    "The environment of snapshot “\(snapshot.name)” is gone; make an image of it, and a machine of that."
                )
            }
            let keys: [KeyID] = try row["keys"]
            guard !keys.isEmpty else {
                throw ResourceRefusal(
                    .wrongState,
                    "The key pairs of snapshot “\(snapshot.name)” are gone; make an image of it, and a machine of that."
                )
            }
            return try MachineCreation(
                organization: organization,
                user: user,
                environment: environment,
                flavor: row["flavor_id"],
                image: row["image"],
                keys: keys,
                name: name,
                assignFloatingIP: row["has_floating_ip"]
            )
        }
        guard let machine = try await create(creation).machines.first else {
            throw PostgresError(.decoding, "a restored machine has no row")
        }
        return machine
    }
}
