// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import Hummingbird

/// `…/keys`: the keys of a running machine.
struct KeyActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] { [MachineAction(.put, "keys", prepare: change)] }

    private func change(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let names = try CreationRequest.keys(await request.json(MachineKeysRequest.self).keyNames)
        return { id in
            let tenant = context.tenant
            let record = try await lifecycle.changeKeys(to: names, of: id, in: tenant.organization, by: tenant.user)
            return MachineOutcome(
                "The guest of VM \(record.name) is asked to take the keys; the VM's events say when it has them."
            )
        }
    }
}
