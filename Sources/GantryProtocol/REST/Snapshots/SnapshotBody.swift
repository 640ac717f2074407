// SPDX-License-Identifier: Apache-2.0

/// A machine's root disk as it was at one moment.
public struct SnapshotBody: AnswerContent, Hashable {
    public static let singular = "snapshot"
    public static let plural = "snapshots"

    public var id: Int64
    public var name: String
    public var description: String
    public var labels: [String]
    public var regionID: Int64
    /// In GB; the vendor's word for GiB.
    public var size: Int
    /// `CREATING`, `AVAILABLE` or `ERROR`.
    public var status: String
    public var vmID: Int64
    public var hasFloatingIP: Bool
    /// Whether an image was made of it.
    public var isImage: Bool
    /// Whether file systems on it are whole, as the guest's agent or its being off made sure; null while that is not known.
    @Nullable public var isConsistent: Bool?
    /// Why it is not there.
    @Nullable public var fault: FaultBody?
    public var createdAt: Timestamp
    public var updatedAt: Timestamp

    public init(
        id: Int64,
        name: String,
        description: String,
        labels: [String],
        regionID: Int64,
        size: Int,
        status: String,
        vmID: Int64,
        hasFloatingIP: Bool,
        isImage: Bool,
        isConsistent: Bool?,
        fault: FaultBody?,
        createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        (self.id, self.name, self.description, self.labels) = (id, name, description, labels)
        (self.regionID, self.size, self.status, self.vmID) = (regionID, size, status, vmID)
        (self.hasFloatingIP, self.isImage) = (hasFloatingIP, isImage)
        _isConsistent = Nullable(wrappedValue: isConsistent)
        _fault = Nullable(wrappedValue: fault)
        (self.createdAt, self.updatedAt) = (createdAt, updatedAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case labels
        case regionID = "region_id"
        case size
        case status
        case vmID = "vm_id"
        case hasFloatingIP = "has_floating_ip"
        case isImage = "is_image"
        case isConsistent = "is_consistent"
        case fault
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}
