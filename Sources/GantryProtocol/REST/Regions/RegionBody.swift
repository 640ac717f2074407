// SPDX-License-Identifier: Apache-2.0

/// A place where machines can be, as tenants see it.
public struct RegionBody: Codable, Sendable, Hashable {
    public var id: Int64
    public var name: String
    public var description: String
    public var country: String
    public var greenStatus = "NOT_GREEN"
    public var features = Features()

    public init(id: Int64, name: String, description: String, country: String) {
        (self.id, self.name, self.description, self.country) = (id, name, description, country)
    }

    /// An object without fields; the vendor names some that mean nothing here.
    public struct Features: Codable, Sendable, Hashable {
        public init() {}
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case description
        case country
        case greenStatus = "green_status"
        case features
    }
}

/// All regions.
public struct RegionsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting regions successful"
    public var regions: [RegionBody]

    public init(regions: [RegionBody]) {
        self.regions = regions
    }
}
