// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// How much of a node's amounts may be given out, relative to what it has. What is nil is 1.
public struct RatiosBody: RequestFields, Hashable {
    /// 0.1 to 64.
    public var vcpu: Double?
    /// 0.1 to 8.
    public var memory: Double?
    /// 0.1 to 64.
    public var disk: Double?

    public init(vcpu: Double? = nil, memory: Double? = nil, disk: Double? = nil) {
        (self.vcpu, self.memory, self.disk) = (vcpu, memory, disk)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case vcpu
        case memory
        case disk
    }
}

/// `POST /v1/admin/nodes/{name}/cordon` and `POST /v1/admin/gpus/{id}/cordon`.
public struct CordonRequest: RequestFields, Hashable {
    /// For other operators.
    public var reason: String

    public init(reason: String) {
        self.reason = reason
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case reason
    }
}

/// `POST /v1/admin/nodes/{name}/drain`.
public struct DrainRequest: RequestFields, Hashable {
    /// What becomes of the machines.
    public var policy: DrainPolicy
    /// For other operators.
    public var reason: String

    public init(policy: DrainPolicy, reason: String) {
        (self.policy, self.reason) = (policy, reason)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case policy
        case reason
    }
}

/// `POST /v1/admin/nodes/{name}/declare-dead`.
public struct DeclareDeadRequest: RequestFields, Hashable {
    /// The node's name once more, by which an operator says that the host is off.
    public var confirm: String
    /// How it was made sure, for other operators.
    public var fencedBy: String

    public init(confirm: String, fencedBy: String) {
        (self.confirm, self.fencedBy) = (confirm, fencedBy)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case confirm
        case fencedBy = "fenced_by"
    }
}
