// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol
import Postgres

extension MachineLifecycle {
    /// Gives volumes to a machine. They are ATTACHED once the machine's node has them.
    ///
    /// A local volume that no machine had yet gets its place on the machine's node here, for good.
    ///
    /// - Returns: the new attachments.
    /// - Throws: ``ResourceRefusal`` with `notFound`; ``MachineRefusal`` with `notFound`, `wrongState` or `noCapacity`.
    package func attachVolumes(
        _ volumes: [VolumeID],
        isProtected: Bool,
        to id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> [VolumeAttachmentRecord] {
        try await change(id, in: organization, by: user) { machine, transaction in
            try machine.requireRest("volumes can be attached")
            let locked = try LockedVolume.lock(volumes, in: organization, transaction)
            try VolumePlace(of: machine, transaction).check(locked)
            try Self.place(locked, with: machine, transaction)
            try transaction.execute(
                """
                INSERT INTO volume_attachment (volume_id, vm_id, protected)
                SELECT id, \(id), \(isProtected) FROM unnest(\(locked.map(\.id))::bigint[]) AS id
                """
            )
            var transition = MachineTransition(of: machine)
            transition.changeVolumes(locked.map(\.name), .volumeAttachRequest, "Attach")
            return (transition, try Self.attachments(of: locked.map(\.id), transaction))
        }
        .1
    }

    /// Takes volumes away from a machine. They are free for others only when the machine's node has confirmed that the
    /// guest has let go of them.
    ///
    /// - Returns: the attachments, DETACHING.
    /// - Throws: ``ResourceRefusal`` with `notFound`; ``MachineRefusal`` with `notFound` or `wrongState`.
    package func detachVolumes(
        _ volumes: [VolumeID],
        from id: VirtualMachineID,
        in organization: OrganizationID,
        by user: UserID?
    ) async throws -> [VolumeAttachmentRecord] {
        try await change(id, in: organization, by: user) { machine, transaction in
            try machine.requireRest("volumes can be detached")
            let locked = try LockedVolume.lock(volumes, in: organization, transaction)
            try Self.check(locked, detachableFrom: machine)
            let changed = locked.filter { $0.attachment?.state != .detaching }
            try transaction.execute(
                """
                UPDATE volume_attachment SET state = 'detaching' WHERE volume_id = ANY (\(changed.map(\.id))::bigint[])
                """
            )
            var transition = MachineTransition(of: machine)
            if !changed.isEmpty { transition.changeVolumes(changed.map(\.name), .volumeDetachRequest, "Detach") }
            return (transition, try Self.attachments(of: locked.map(\.id), transaction))
        }
        .1
    }

    private static func check(
        _ volumes: [LockedVolume],
        detachableFrom machine: StoredMachine
    ) throws(MachineRefusal) {
        for volume in volumes {
            guard let attachment = volume.attachment, attachment.machine == machine.id else {
                throw MachineRefusal(
                    .wrongState,
                    "Some volumes are not attached with the given VM. “\(volume.name)” is not."
                )
            }
            guard !attachment.isBoot else {
                throw MachineRefusal(.wrongState, "VM \(machine.name) boots from volume “\(volume.name)”; it stays.")
            }
            guard !attachment.isProtected else {
                throw MachineRefusal(
                    .wrongState,
                    "Volume “\(volume.name)” is protected; set `protected` of attachment \(attachment.id) to false first."
                )
            }
        }
    }

    /// Notes that nodes may have the files from now on, and claims the room of local ones.
    private static func place(
        _ volumes: [LockedVolume],
        with machine: StoredMachine,
        _ transaction: Transaction
    ) throws {
        let local = volumes.filter { $0.pool.kind == .local && $0.node == nil }
        try transaction.execute(
            """
            UPDATE volume SET state = CASE state WHEN 'empty' THEN 'placed' ELSE state END,
                node_id = CASE WHEN id = ANY (\(local.map(\.id))::bigint[]) THEN \(machine.nodeID)::bigint ELSE node_id END
            WHERE id = ANY (\(volumes.map(\.id))::bigint[])
            """
        )
        try claim(local.reduce(0) { $0 + $1.sizeGiB }, of: machine.nodeID, transaction)
    }

    /// Takes room for volumes of a node's own disk. A cordoned node gives some too: its machines go on.
    static func claim(_ gibibytes: Int, of node: NodeID?, _ transaction: Transaction) throws {
        guard gibibytes > 0 else { return }
        let claimed = try transaction.execute(
            """
            UPDATE compute_node SET allocated_disk_gib = allocated_disk_gib + \(gibibytes)
            WHERE id = \(node)::bigint AND allocated_disk_gib + \(gibibytes) <= limit_disk_gib
            """
        )
        guard claimed == 1 else {
            throw MachineRefusal(
                .noCapacity,
                "The disk of the node has no room for \(gibibytes) GiB of volumes; take a smaller one, or one of a "
                    + "shared storage pool."
            )
        }
    }

    private static func attachments(
        of volumes: [VolumeID],
        _ transaction: Transaction
    ) throws -> [VolumeAttachmentRecord] {
        try transaction.query(
            """
            SELECT \(raw: VolumeRecord.columns) FROM \(raw: VolumeRecord.tables)
            WHERE v.id = ANY (\(volumes)::bigint[]) ORDER BY a.id
            """
        )
        .compactMap { try VolumeRecord($0).attachment }
    }
}

extension MachineTransition {
    fileprivate mutating func changeVolumes(_ names: [String], _ reason: MachineEvent.Reason, _ word: String) {
        machine.changesVolumes = true
        raiseGeneration(above: machine.generation)
        let list = names.joined(separator: ", ")
        events.append(MachineEvent(.normal, reason, "Instance \(machine.name) \(word) Volumes Request Sent: \(list)."))
    }
}
