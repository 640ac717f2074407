// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import Hummingbird

/// `…/resize`: another flavor for a machine that is off.
struct ResizeActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] { [MachineAction(.post, "resize", prepare: resize)] }

    private func resize(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let text = try await request.json(ResizeRequest.self).flavorName
        let flavor = try TextField.check(text, "flavor_name", maximumLength: 50)
        return { id in
            let tenant = context.tenant
            let record = try await lifecycle.resize(id, to: flavor, in: tenant.organization, by: tenant.user)
            return MachineOutcome("VM \(record.name) is scheduled to resize.")
        }
    }
}
