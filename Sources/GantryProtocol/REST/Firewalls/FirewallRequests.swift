// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/core/firewalls`.
public struct CreateFirewallRequest: RequestFields, Hashable {
    public var name: String
    public var description: String?
    public var environmentID: Int64

    public init(name: String, description: String? = nil, environmentID: Int64) {
        (self.name, self.description, self.environmentID) = (name, description, environmentID)
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case description
        case environmentID = "environment_id"
    }
}

/// `POST /v1/core/firewalls/{id}/update-attachments`.
public struct FirewallMachinesRequest: RequestFields, Hashable {
    /// All machines that the firewall is to have.
    public var vms: [Int64]

    public init(vms: [Int64]) {
        self.vms = vms
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case vms
    }
}

/// `POST /v1/core/virtual-machines/{id}/attach-firewalls`.
public struct MachineFirewallsRequest: RequestFields, Hashable {
    /// All firewalls that the machine is to have.
    public var firewalls: [Int64]

    public init(firewalls: [Int64]) {
        self.firewalls = firewalls
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case firewalls
    }
}
