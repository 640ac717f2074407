// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import Hummingbird

/// `…/hibernate?retain_ip=` and `…/hibernate-restore`. The vendor's clients call both by GET.
struct HibernationActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] {
        [
            MachineAction(.get, "hibernate", prepare: hibernate),
            MachineAction(.get, "hibernate-restore") { _, context in
                { id in
                    let tenant = context.tenant
                    let record = try await lifecycle.perform(.restore, on: id, in: tenant.organization, by: tenant.user)
                    return MachineOutcome("VM \(record.name) is scheduled to restore.")
                }
            },
        ]
    }

    private func hibernate(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let retainsIP = try request.flag("retain_ip")
        return { id in
            let tenant = context.tenant
            let record = try await lifecycle.perform(
                .hibernate,
                on: id,
                in: tenant.organization,
                by: tenant.user,
                retainingIP: retainsIP
            )
            return MachineOutcome("VM \(record.name) is scheduled to hibernate.")
        }
    }
}
