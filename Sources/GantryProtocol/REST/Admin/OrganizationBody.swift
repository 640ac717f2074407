// SPDX-License-Identifier: Apache-2.0

/// A tenant: whose users see the same environments and machines.
public struct OrganizationBody: AnswerContent, Hashable {
    public static let singular = "organization"
    public static let plural = "organizations"

    public var id: Int64
    public var name: String
    public var userCount: Int
    public var environmentCount: Int
    /// Those that exist, deleted ones not.
    public var virtualMachineCount: Int
    public var createdAt: Timestamp

    public init(
        id: Int64,
        name: String,
        userCount: Int,
        environmentCount: Int,
        virtualMachineCount: Int,
        createdAt: Timestamp
    ) {
        (self.id, self.name, self.userCount) = (id, name, userCount)
        (self.environmentCount, self.virtualMachineCount) = (environmentCount, virtualMachineCount)
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case userCount = "user_count"
        case environmentCount = "environment_count"
        case virtualMachineCount = "virtual_machine_count"
        case createdAt = "created_at"
    }
}

/// `POST /v1/admin/organizations`.
public struct CreateOrganizationRequest: RequestFields, Hashable {
    public var name: String

    public init(name: String) {
        self.name = name
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
    }
}
