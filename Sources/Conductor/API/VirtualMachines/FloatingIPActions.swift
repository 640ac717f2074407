// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `…/attach-floatingip` and its opposite.
struct FloatingIPActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] {
        [
            MachineAction(.post, "attach-floatingip", prepare: attach),
            MachineAction(.post, "detach-floatingip") { _, context in { try await detach($0, context.tenant) } },
        ]
    }

    private func attach(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let body = try await request.jsonIfAny(AttachFloatingIPRequest.self)
        let tenant = context.tenant
        guard let text = body?.floatingIP else {
            guard body?.allowReassociation != true else {
                throw APIError.invalid("allow_reassociation", "name the address in floating_ip too.")
            }
            return { try await attach($0, tenant) }
        }
        let address = try Self.address(text)
        let allowed = body?.allowReassociation ?? false
        return { id in
            let move = try await lifecycle.moveFloatingIP(
                address,
                to: id,
                in: tenant.organization,
                reaching: tenant.grant.environments,
                allowed: allowed,
                by: tenant.user
            )
            return MachineOutcome(move.message)
        }
    }

    private static func address(_ text: String) throws(APIError) -> IPv4Address {
        do throws(InvalidValue) {
            return try IPv4Address(text)
        } catch {
            throw .invalid("floating_ip", error.description)
        }
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
