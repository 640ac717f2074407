// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// Where a machine is, as far as its volumes care.
struct VolumePlace {
    private let machine: StoredMachine
    private let environment: EnvironmentID
    private let node: NodeName
    private let pools: [StoragePoolID]
    private let volumes: Int

    /// How many volumes a machine may have.
    static let maximumVolumes = 10

    init(of machine: StoredMachine, _ transaction: Transaction) throws {
        let rows = try transaction.query(
            """
            SELECT vm.environment_id, n.name AS node,
                ARRAY(SELECT pool_id FROM node_storage_pool p WHERE p.node_id = n.id) AS pools,
                (SELECT count(*) FROM volume_attachment a WHERE a.vm_id = vm.id) AS volumes
            FROM virtual_machine vm JOIN compute_node n ON n.id = vm.node_id WHERE vm.id = \(machine.id)
            """
        )
        guard let row = rows.first else {
            throw MachineRefusal(.wrongState, "VM \(machine.name) is on no node now; start it first.")
        }
        self.machine = machine
        environment = try row["environment_id"]
        node = try row["node"]
        pools = try row["pools"]
        volumes = try row["volumes"]
    }

    /// - Throws: ``MachineRefusal`` with `wrongState` when the machine cannot have all of the volumes.
    func check(_ wanted: [LockedVolume]) throws(MachineRefusal) {
        for volume in wanted { try check(volume) }
        guard volumes + wanted.count <= Self.maximumVolumes else {
            throw MachineRefusal(
                .wrongState,
                "VM \(machine.name) would have \(volumes + wanted.count) volumes; it may have \(Self.maximumVolumes)."
            )
        }
    }

    private func check(_ volume: LockedVolume) throws(MachineRefusal) {
        guard volume.state != .deleting else {
            throw MachineRefusal(.wrongState, "Volume “\(volume.name)” is being deleted; take another one.")
        }
        if let attachment = volume.attachment {
            throw MachineRefusal(
                .wrongState,
                "There are already attached Volumes. “\(volume.name)” is attached to VM \(attachment.machine)."
            )
        }
        guard volume.environment == environment else {
            throw MachineRefusal(
                .wrongState,
                "Volume “\(volume.name)” is of another environment than VM \(machine.name); use one of the machine's "
                    + "environment, or move the volume there."
            )
        }
        guard pools.contains(volume.pool.id) else {
            throw MachineRefusal(
                .wrongState,
                "VM \(machine.name) is on node \(node), which has no storage pool “\(volume.pool.name)” now, as volume "
                    + "“\(volume.name)” needs; use a volume of another type, or a machine on a node that has it."
            )
        }
        if let place = volume.node, place.id != machine.nodeID {
            throw MachineRefusal(
                .wrongState,
                "Volume “\(volume.name)” is in the local storage pool “\(volume.pool.name)” of node \(place.name), and VM "
                    + "\(machine.name) is on node \(node); attach it to a machine on \(place.name). A volume of a shared "
                    + "storage pool can be attached on every node that has the pool."
            )
        }
    }
}
