// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/virtual-machines/ID/…-callback`: where a machine's owner wants to be told of its status.
struct CallbackURLRoutes: Sendable {
    let store: CallbackStore
    let policy: CallbackPolicy

    func add(to core: RouterGroup<TenantContext>) {
        let machine = core.group("virtual-machines/:id")
        machine.post("attach-callback", use: attach)
        machine.put("update-callback", use: update)
        machine.delete("delete-callback", use: remove)
    }

    private func attach(_ request: Request, _ context: TenantContext) async throws -> Response {
        let url = try await url(in: request)
        let name = try await store.attach(
            url,
            to: context.identifier("virtual machine"),
            in: context.tenant.organization
        )
        let message =
            "Callback URL successfully attached to VM '\(name)'. Any action events on your instance will be posted to "
            + "the provided URL."
        return try .json(AttachCallbackAnswer(message: message, url: url))
    }

    private func update(_ request: Request, _ context: TenantContext) async throws -> Response {
        let url = try await url(in: request)
        let name = try await store.update(
            url,
            of: context.identifier("virtual machine"),
            in: context.tenant.organization
        )
        return try .json(AttachCallbackAnswer(message: "Callback URL successfully updated in VM \(name).", url: url))
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try await store.remove(
            from: context.identifier("virtual machine"),
            in: context.tenant.organization
        )
        return try .json(message: "Callback URL deleted successfully in VM \(name).")
    }

    private func url(in request: Request) async throws -> String {
        try policy.check(try await request.json(AttachCallbackRequest.self).url, "url")
    }
}
