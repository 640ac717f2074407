// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Hummingbird

/// `…/attach-floatingip` and its opposite. Neither has a body.
struct FloatingIPActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] {
        [
            MachineAction(.post, "attach-floatingip") { _, context in { try await attach($0, context.tenant) } },
            MachineAction(.post, "detach-floatingip") { _, context in { try await detach($0, context.tenant) } },
        ]
    }

    private func attach(_ id: VirtualMachineID, _ tenant: Tenant) async throws -> MachineOutcome {
        let record = try await lifecycle.attachFloatingIP(to: id, in: tenant.organization, by: tenant.user)
        return MachineOutcome("A Public IP will be assigned to VM \(record.name).")
    }

    private func detach(_ id: VirtualMachineID, _ tenant: Tenant) async throws -> MachineOutcome {
        let record = try await lifecycle.detachFloatingIP(from: id, in: tenant.organization, by: tenant.user)
        return MachineOutcome("Public IP will be detached from the VM \(record.name).")
    }
}
