// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/firewalls`: rules that machines of an environment have in common, and which machines those are.
struct FirewallRoutes: Sendable {
    let store: FirewallStore
    let lifecycle: MachineLifecycle

    func add(to core: RouterGroup<TenantContext>) {
        let firewalls = core.group("firewalls")
        firewalls.get(use: list)
        firewalls.post(use: create)
        firewalls.get(":id", use: show)
        firewalls.delete(":id", use: remove)
        firewalls.post(":id/firewall-rules", use: addRule)
        firewalls.delete(":id/firewall-rules/:rule", use: removeRule)
        firewalls.post(":id/update-attachments", use: setMachines)
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request)
        let page = try await store.firewalls(
            in: context.tenant.organization,
            environment: request.text("environment"),
            paging.rows(search: request.text("search"), reachedBy: context.tenant)
        )
        return try .json(page, paging, message: "Getting firewalls successful") { FirewallBody($0) }
    }

    private func create(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(CreateFirewallRequest.self)
        let record = try await store.create(
            try TextField.check(body.name, "name", maximumLength: 50),
            description: try TextField.optional(body.description, "description", maximumLength: 250) ?? "",
            environment: EnvironmentID(body.environmentID),
            in: context.tenant.organization
        )
        return try .json(FirewallBody(record), message: "Firewall has been created successfully")
    }

    private func show(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await store.firewall(context.firewall, in: context.tenant.organization)
        return try .json(FirewallBody(record), message: "Getting firewall detail successful")
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await store.remove(context.firewall, in: context.tenant.organization)
        return try .json(message: "Firewall has been deleted successfully")
    }

    // MARK: - Rules

    private func addRule(_ request: Request, _ context: TenantContext) async throws -> Response {
        let added = try await lifecycle.addRule(
            try SecurityRule(await request.json(SecurityRuleRequest.self)),
            to: context.firewall,
            in: context.tenant.organization,
            by: context.tenant.user
        )
        let body = SecurityRuleBody(added.id, added.rule, applied: false, added.createdAt)
        return try .json(FirewallRuleBody(body), message: "Firewall rule has been created successfully")
    }

    private func removeRule(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await lifecycle.removeRule(
            context.identifier("firewall rule", "rule"),
            of: context.firewall,
            in: context.tenant.organization,
            by: context.tenant.user
        )
        return try .json(message: "Firewall rule has been deleted successfully")
    }

    // MARK: - Machines

    private func setMachines(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(FirewallMachinesRequest.self)
        try await lifecycle.setMachines(
            body.vms.map { VirtualMachineID($0) },
            of: context.firewall,
            in: context.tenant.organization,
            by: context.tenant.user
        )
        return try .json(message: "Firewall attachments are scheduled.")
    }
}

extension TenantContext {
    /// The firewall that the path names by its id.
    fileprivate var firewall: FirewallID {
        get throws { try identifier("firewall") }
    }
}

extension FirewallBody {
    init(_ record: FirewallRecord) {
        func status(_ isApplied: Bool) -> String { isApplied ? "SUCCESS" : "pending" }
        self.init(
            id: record.id.rawValue,
            name: record.name,
            description: record.description,
            environment: Environment(
                id: record.environment.id.rawValue,
                name: record.environment.name,
                region: record.environment.regionName
            ),
            status: status(record.isApplied),
            rules: record.rules.map { SecurityRuleBody($0.id, $0.rule, applied: record.isApplied, $0.createdAt) },
            attachments: record.attachments.map { attachment in
                Attachment(
                    id: attachment.id.rawValue,
                    status: status(attachment.isApplied),
                    vm: Machine(attachment.machine, environment: record.environment.name),
                    createdAt: Timestamp(attachment.createdAt)
                )
            },
            createdAt: Timestamp(record.createdAt)
        )
    }
}

extension FirewallBody.Machine {
    fileprivate init(_ machine: FirewallRecord.Machine, environment: String) {
        self.init(
            id: machine.id.rawValue,
            name: machine.name,
            environment: environment,
            flavor: machine.flavorName,
            status: machine.status.rawValue,
            createdAt: Timestamp(machine.createdAt)
        )
    }
}
