// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let machines = "v1/core/virtual-machines"
    private static let firewalls = "v1/core/firewalls"

    // MARK: - Floating IPs

    /// Asks for a floating IP for a machine.
    @discardableResult
    public func attachFloatingIP(to machine: Int64) async throws(ClientError) -> StatusBody {
        try await call(.POST, "\(Self.machines)/\(machine)/attach-floatingip")
    }

    /// Asks for another machine's floating IP to be moved to a machine.
    @discardableResult
    public func moveFloatingIP(_ address: String, to machine: Int64) async throws(ClientError) -> StatusBody {
        try await call(
            .POST,
            "\(Self.machines)/\(machine)/attach-floatingip",
            AttachFloatingIPRequest(floatingIP: address, allowReassociation: true)
        )
    }

    /// Asks for a machine's floating IP to be taken away.
    @discardableResult
    public func detachFloatingIP(from machine: Int64) async throws(ClientError) -> StatusBody {
        try await call(.POST, "\(Self.machines)/\(machine)/detach-floatingip")
    }

    // MARK: - Rules

    /// Adds a rule to a machine.
    public func addSecurityRule(
        _ rule: SecurityRuleRequest,
        to machine: Int64
    ) async throws(ClientError) -> SecurityRuleBody {
        let answer: Answer<SecurityRuleBody> = try await call(.POST, "\(Self.machines)/\(machine)/sg-rules", rule)
        return answer.content
    }

    /// Takes a rule of a machine away.
    @discardableResult
    public func removeSecurityRule(_ rule: Int64, of machine: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.machines)/\(machine)/sg-rules/\(rule)")
    }

    /// The protocols that a rule may name.
    public func securityRuleProtocols() async throws(ClientError) -> [String] {
        let answer: SecurityRuleProtocolsAnswer = try await call(.GET, "v1/core/sg-rules-protocols")
        return answer.protocols
    }

    // MARK: - Firewalls

    /// The firewalls of all environments, oldest first.
    public func firewalls(search: String? = nil) async throws(ClientError) -> [FirewallBody] {
        let answer: PageAnswer<FirewallBody> = try await call(.GET, Self.firewalls, query: ["search": search])
        return answer.contents
    }

    /// Makes a firewall without rules and machines.
    public func createFirewall(_ request: CreateFirewallRequest) async throws(ClientError) -> FirewallBody {
        let answer: Answer<FirewallBody> = try await call(.POST, Self.firewalls, request)
        return answer.content
    }

    public func firewall(_ id: Int64) async throws(ClientError) -> FirewallBody {
        let answer: Answer<FirewallBody> = try await call(.GET, "\(Self.firewalls)/\(id)")
        return answer.content
    }

    /// Deletes a firewall.
    @discardableResult
    public func deleteFirewall(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.firewalls)/\(id)")
    }

    /// Gives a firewall exactly these machines.
    @discardableResult
    public func setMachines(_ machines: [Int64], of firewall: Int64) async throws(ClientError) -> StatusBody {
        try await call(
            .POST,
            "\(Self.firewalls)/\(firewall)/update-attachments",
            FirewallMachinesRequest(vms: machines)
        )
    }

    /// Adds a rule to a firewall.
    public func addFirewallRule(
        _ rule: SecurityRuleRequest,
        to firewall: Int64
    ) async throws(ClientError) -> SecurityRuleBody {
        let answer: Answer<FirewallRuleBody> =
            try await call(.POST, "\(Self.firewalls)/\(firewall)/firewall-rules", rule)
        return answer.content.rule
    }

    /// Takes a rule of a firewall away.
    @discardableResult
    public func removeFirewallRule(_ rule: Int64, of firewall: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.firewalls)/\(firewall)/firewall-rules/\(rule)")
    }

    /// Gives a machine exactly these firewalls.
    @discardableResult
    public func setFirewalls(_ firewalls: [Int64], of machine: Int64) async throws(ClientError) -> StatusBody {
        try await call(
            .POST,
            "\(Self.machines)/\(machine)/attach-firewalls",
            MachineFirewallsRequest(firewalls: firewalls)
        )
    }
}
