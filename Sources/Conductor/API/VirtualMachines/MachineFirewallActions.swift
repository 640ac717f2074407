// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `…/attach-firewalls`: the full set of a machine's firewalls.
struct MachineFirewallActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] { [MachineAction(.post, "attach-firewalls", prepare: set)] }

    private func set(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let firewalls = try await request.json(MachineFirewallsRequest.self).firewalls.map { FirewallID($0) }
        let tenant = context.tenant
        return { id in
            try await lifecycle.setFirewalls(firewalls, of: id, in: tenant.organization, by: tenant.user)
            return MachineOutcome("Firewall attachments with VM are scheduled.")
        }
    }
}
