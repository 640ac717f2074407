// SPDX-License-Identifier: Apache-2.0

/// A snapshot in an answer of its own, which has its labels as one text and the names of what the machine was made of.
public struct SnapshotDetailBody: AnswerContent, Hashable {
    public static let singular = "snapshot"
    public static let plural = "snapshots"

    public var id: Int64
    public var name: String
    public var description: String
    /// With commas between.
    public var labels: String
    public var region: String
    public var regionID: Int64
    public var size: Int
    public var status: String
    public var hasFloatingIP: Bool
    public var isImage: Bool
    @Nullable public var isConsistent: Bool?
    @Nullable public var fault: FaultBody?
    @Nullable public var customImage: String?
    public var vmID: Int64
    public var vmName: String
    @Nullable public var vmStatus: String?
    @Nullable public var vmEnvironment: String?
    public var vmFlavor: String
    public var vmImage: String
    @Nullable public var vmKeypair: String?
    /// A number, which the vendor writes as text.
    @Nullable public var volumeID: String?
    @Nullable public var volumeName: String?
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    /// - Parameters:
    ///   - snapshot: as lists show it.
    ///   - region: the region's name.
    ///   - vmName: the machine's name, as all that follow.
    ///   - vmStatus: its status now; nil when it is gone.
    ///   - vmEnvironment: nil when it is gone.
    ///   - vmFlavor: the flavor.
    ///   - vmImage: what the machine began as.
    ///   - vmKeypair: the first key that is still there.
    ///   - volumeID: the volume that the machine booted from, if it did.
    ///   - volumeName: the volume's name.
    ///   - customImage: the image that was made of the snapshot.
    public init(
        _ snapshot: SnapshotBody,
        region: String,
        vmName: String,
        vmStatus: String?,
        vmEnvironment: String?,
        vmFlavor: String,
        vmImage: String,
        vmKeypair: String?,
        volumeID: String?,
        volumeName: String?,
        customImage: String?
    ) {
        (id, name, description) = (snapshot.id, snapshot.name, snapshot.description)
        labels = snapshot.labels.joined(separator: ",")
        (self.region, regionID, size) = (region, snapshot.regionID, snapshot.size)
        (status, hasFloatingIP, isImage) = (snapshot.status, snapshot.hasFloatingIP, snapshot.isImage)
        _isConsistent = Nullable(wrappedValue: snapshot.isConsistent)
        _fault = Nullable(wrappedValue: snapshot.fault)
        _customImage = Nullable(wrappedValue: customImage)
        (vmID, self.vmName) = (snapshot.vmID, vmName)
        _vmStatus = Nullable(wrappedValue: vmStatus)
        _vmEnvironment = Nullable(wrappedValue: vmEnvironment)
        (self.vmFlavor, self.vmImage) = (vmFlavor, vmImage)
        _vmKeypair = Nullable(wrappedValue: vmKeypair)
        _volumeID = Nullable(wrappedValue: volumeID)
        _volumeName = Nullable(wrappedValue: volumeName)
        (createdAt, updatedAt) = (snapshot.createdAt, snapshot.updatedAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case labels
        case region
        case regionID = "region_id"
        case size
        case status
        case hasFloatingIP = "has_floating_ip"
        case isImage = "is_image"
        case isConsistent = "is_consistent"
        case fault
        case customImage = "custom_image"
        case vmID = "vm_id"
        case vmName = "vm_name"
        case vmStatus = "vm_status"
        case vmEnvironment = "vm_environment"
        case vmFlavor = "vm_flavor"
        case vmImage = "vm_image"
        case vmKeypair = "vm_keypair"
        case volumeID = "volume_id"
        case volumeName = "volume_name"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}
