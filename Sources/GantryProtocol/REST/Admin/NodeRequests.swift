// SPDX-License-Identifier: Apache-2.0

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
