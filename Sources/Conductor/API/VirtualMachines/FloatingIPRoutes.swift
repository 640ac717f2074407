// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Hummingbird

/// `/v1/core/virtual-machines/{id}/attach-floatingip` and its opposite. Neither has a body.
struct FloatingIPRoutes: Sendable {
    let lifecycle: MachineLifecycle

    func add(to core: RouterGroup<TenantContext>) {
        let machine = core.group("virtual-machines/:id")
        machine.post("attach-floatingip") { _, context in
            let tenant = context.tenant
            let record = try await lifecycle.attachFloatingIP(
                to: context.identifier("virtual machine"),
                in: tenant.organization,
                by: tenant.user
            )
            return try Response.json(message: "A Public IP will be assigned to VM \(record.name).")
        }
        machine.post("detach-floatingip") { _, context in
            let tenant = context.tenant
            let record = try await lifecycle.detachFloatingIP(
                from: context.identifier("virtual machine"),
                in: tenant.organization,
                by: tenant.user
            )
            return try Response.json(message: "Public IP will be detached from the VM \(record.name).")
        }
    }
}
