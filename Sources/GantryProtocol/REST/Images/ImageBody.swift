// SPDX-License-Identifier: Apache-2.0

/// What a machine's disk begins as, as tenants see it.
public struct ImageBody: AnswerContent, Hashable {
    public static let singular = "image"
    public static let plural = "images"

    public var id: Int64
    public var name: String
    public var regionName: String
    /// Such as `Debian`.
    public var type: String
    /// Such as `12`.
    public var version: String
    /// In bytes; 0 when it is not known.
    public var size: Int64
    /// For people; empty when it is not known.
    public var displaySize: String
    public var description: String
    /// The snapshot that it was made from.
    @Nullable public var snapshot: Int64?
    public var isPublic: Bool
    public var createdAt: Timestamp
    public var labels: [LabelBody]
    public var flavorRestrictions: FlavorRestrictionsBody

    public init(
        id: Int64,
        name: String,
        regionName: String,
        type: String,
        version: String,
        size: Int64,
        displaySize: String,
        description: String,
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.regionName) = (id, name, regionName)
        (self.type, self.version, self.size, self.displaySize) = (type, version, size, displaySize)
        (self.description, self.createdAt) = (description, createdAt)
        _snapshot = Nullable(wrappedValue: nil)
        (isPublic, labels, flavorRestrictions) = (true, [], FlavorRestrictionsBody())
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case regionName = "region_name"
        case type
        case version
        case size
        case displaySize = "display_size"
        case description
        case snapshot
        case isPublic = "is_public"
        case createdAt = "created_at"
        case labels
        case flavorRestrictions = "flavor_restrictions"
    }
}

/// Which flavors an image is for. Here every image is for every flavor whose disk holds it.
public struct FlavorRestrictionsBody: Codable, Sendable, Hashable {
    public var hasFlavorRestrictions = false
    @Nullable public var restrictionType: String?
    public var compatibleFlavors: [String] = []

    public init() {
        _restrictionType = Nullable(wrappedValue: nil)
    }

    private enum CodingKeys: String, CodingKey {
        case hasFlavorRestrictions = "has_flavor_restrictions"
        case restrictionType = "restriction_type"
        case compatibleFlavors = "compatible_flavors"
    }
}

/// The images of one type in one region.
public struct ImageGroupBody: Codable, Sendable, Hashable {
    public var regionName: String
    public var greenStatus = "NOT_GREEN"
    public var type: String
    public var logo = ""
    public var images: [ImageBody]

    public init(regionName: String, type: String, images: [ImageBody]) {
        (self.regionName, self.type, self.images) = (regionName, type, images)
    }

    private enum CodingKeys: String, CodingKey {
        case regionName = "region_name"
        case greenStatus = "green_status"
        case type
        case logo
        case images
    }
}

/// A page of images, in groups.
public struct ImagesAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting images successful"
    @Nullable public var page: Int?
    @Nullable public var pageSize: Int?
    /// How many images all pages have together.
    public var count: Int
    public var images: [ImageGroupBody]

    public init(page: Int?, pageSize: Int?, count: Int, images: [ImageGroupBody]) {
        _page = Nullable(wrappedValue: page)
        _pageSize = Nullable(wrappedValue: pageSize)
        (self.count, self.images) = (count, images)
    }

    private enum CodingKeys: String, CodingKey {
        case status
        case message
        case page
        case pageSize = "page_size"
        case count
        case images
    }
}
