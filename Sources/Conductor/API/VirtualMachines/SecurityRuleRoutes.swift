// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/virtual-machines/{id}/sg-rules`: the packet filter rules of one machine.
struct SecurityRuleRoutes: Sendable {
    let lifecycle: MachineLifecycle

    func add(to core: RouterGroup<TenantContext>) {
        let rules = core.group("virtual-machines/:id/sg-rules")
        rules.post(use: create)
        rules.delete(":rule", use: remove)
    }

    private func create(_ request: Request, _ context: TenantContext) async throws -> Response {
        let rule = try SecurityRule(await request.json(SecurityRuleRequest.self))
        let added = try await lifecycle.addSecurityRule(
            rule,
            to: context.identifier("virtual machine"),
            in: context.tenant.organization,
            by: context.tenant.user
        )
        return try .json(
            SecurityRuleBody(added.id, added.rule, applied: false, added.createdAt),
            message: "Security Rule created successfully"
        )
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await lifecycle.removeSecurityRule(
            context.identifier("security rule", "rule"),
            of: context.identifier("virtual machine"),
            in: context.tenant.organization,
            by: context.tenant.user
        )
        return try .json(message: "Security Rule deleted successfully")
    }
}
