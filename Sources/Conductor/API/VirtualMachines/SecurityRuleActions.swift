// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `…/sg-rules`: the packet filter rules of one machine.
struct SecurityRuleActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] {
        [
            MachineAction(.post, "sg-rules", prepare: create),
            MachineAction(.delete, "sg-rules/:rule", prepare: remove),
        ]
    }

    private func create(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let rule = try SecurityRule(await request.json(SecurityRuleRequest.self))
        let tenant = context.tenant
        return { id in
            let added = try await lifecycle.addSecurityRule(rule, to: id, in: tenant.organization, by: tenant.user)
            let message = "Security Rule created successfully"
            let body = SecurityRuleBody(added.id, added.rule, applied: false, added.createdAt)
            // Among several machines' results there is no other place for the number.
            return MachineOutcome("\(message); id \(added.id)", answer: Answer(body, message: message))
        }
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let rule: SecurityRuleID = try context.identifier("security rule", "rule")
        let tenant = context.tenant
        return { id in
            try await lifecycle.removeSecurityRule(rule, of: id, in: tenant.organization, by: tenant.user)
            return MachineOutcome("Security Rule deleted successfully")
        }
    }
}
