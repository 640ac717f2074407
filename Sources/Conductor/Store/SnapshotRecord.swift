// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
import Postgres

/// A machine's root disk as it was at one moment.
package struct SnapshotRecord: Sendable, Hashable {
    package enum State: String, Sendable, Hashable { case creating, available, error, deleted }

    package var id: SnapshotID
    package var uuid: StoredImageUUID
    package var name: String
    package var description: String
    package var labels: [String]
    package var regionID: RegionID
    package var regionName: String
    package var environmentName: String?
    package var machineID: VirtualMachineID
    package var machineName: String
    /// What it does now; nil when it is gone.
    package var machineStatus: MachineStatus?
    /// The volume that it booted from; nil for a disk of its own.
    package var volumeID: VolumeID?
    package var volumeName: String?
    package var flavorName: String
    package var imageName: String
    package var keyNames: [String]
    package var hasFloatingIP: Bool
    package var state: State
    package var sizeGiB: Int
    /// Nil while that is not known.
    package var isConsistent: Bool?
    package var fault: Fault?
    /// The image that was made of it.
    package var customImageName: String?
    package var createdAt: Date
    package var updatedAt: Date
    package var finishedAt: Date?

    static let columns: StaticString = """
        s.id, s.uuid, s.name, s.description, s.labels, r.id AS region_id, r.name AS region, e.name AS environment,
        s.vm_id, s.vm_name, vm.phase, vm.observed_power, coalesce(n.state = 'silent', false) AS node_silent,
        s.volume_id, s.volume_name, f.name AS flavor, i.name AS image, s.has_floating_ip, s.state, s.size_gib, s.consistent,
        s.fault_code, s.fault_message, s.created_at, s.updated_at, s.finished_at,
        ARRAY(SELECT k.name FROM key k WHERE k.id = ANY (s.key_ids) ORDER BY k.id) AS keys,
        (SELECT c.name FROM image c WHERE c.snapshot_id = s.id AND c.listed AND c.deleted_at IS NULL
            ORDER BY c.id LIMIT 1) AS custom_image
        """

    static let tables: StaticString = """
        snapshot s JOIN region r ON r.id = s.region_id JOIN flavor f ON f.id = s.flavor_id
            JOIN image i ON i.id = s.base_image_id LEFT JOIN environment e ON e.id = s.environment_id
            LEFT JOIN virtual_machine vm ON vm.id = s.vm_id AND vm.deleted_at IS NULL
            LEFT JOIN compute_node n ON n.id = vm.node_id
        """

    init(_ row: Row) throws {
        id = try row["id"]
        uuid = try row["uuid"]
        name = try row["name"]
        description = try row["description"]
        labels = try row["labels"]
        regionID = try row["region_id"]
        regionName = try row["region"]
        environmentName = try row["environment"]
        machineID = try row["vm_id"]
        machineName = try row["vm_name"]
        machineStatus = try Self.status(row)
        volumeID = try row["volume_id"]
        volumeName = try row["volume_name"]
        flavorName = try row["flavor"]
        imageName = try row["image"]
        keyNames = try row["keys"]
        hasFloatingIP = try row["has_floating_ip"]
        state = try row["state"]
        sizeGiB = try row["size_gib"]
        isConsistent = try row["consistent"]
        fault = try row.fault
        customImageName = try row["custom_image"]
        createdAt = try row["created_at"]
        updatedAt = try row["updated_at"]
        finishedAt = try row["finished_at"]
    }

    private static func status(_ row: Row) throws -> MachineStatus? {
        guard let phase: MachinePhase = try row["phase"] else { return nil }
        return try MachineSituation(phase: phase, observed: row["observed_power"], nodeSilent: row["node_silent"])
            .status
    }
}
