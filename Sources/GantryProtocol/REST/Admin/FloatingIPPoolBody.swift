// SPDX-License-Identifier: Apache-2.0

/// Public addresses that machines of one region can be given.
public struct FloatingIPPoolBody: AnswerContent, Hashable {
    public static let singular = "floating_ip_pool"
    public static let plural = "floating_ip_pools"

    public var id: Int64
    /// The region's name.
    public var region: String
    public var name: String
    /// In CIDR form.
    public var network: String
    public var addressCount: Int
    /// How many of them machines have.
    public var assignedCount: Int
    public var createdAt: Timestamp

    public init(
        id: Int64,
        region: String,
        name: String,
        network: String,
        addressCount: Int,
        assignedCount: Int,
        createdAt: Timestamp
    ) {
        (self.id, self.region, self.name, self.network) = (id, region, name, network)
        (self.addressCount, self.assignedCount, self.createdAt) = (addressCount, assignedCount, createdAt)
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case region
        case name
        case network
        case addressCount = "address_count"
        case assignedCount = "assigned_count"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/floating-ip-pools`.
public struct CreateFloatingIPPoolRequest: RequestFields, Hashable {
    /// The region's name.
    public var region: String
    public var name: String
    /// In CIDR form. Every address of it but the first and last one can be given out; of a /31 or /32 all.
    public var network: String

    public init(region: String, name: String, network: String) {
        (self.region, self.name, self.network) = (region, name, network)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case region
        case name
        case network
    }
}
