// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `…/attach-callback`, `…/update-callback` and `…/delete-callback`: where a machine's owner wants to be told of its status.
struct CallbackURLActions: Sendable {
    let store: CallbackStore
    let policy: CallbackPolicy

    var actions: [MachineAction] {
        [
            MachineAction(.post, "attach-callback", prepare: attach),
            MachineAction(.put, "update-callback", prepare: update),
            MachineAction(.delete, "delete-callback", prepare: remove),
        ]
    }

    private func attach(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let url = try await url(in: request)
        return { id in
            let name = try await store.attach(url, to: id, in: context.tenant.organization)
            let message =
                "Callback URL successfully attached to VM '\(name)'. Any action events on your instance will be posted "
                + "to the provided URL."
            return MachineOutcome(message, answer: AttachCallbackAnswer(message: message, url: url))
        }
    }

    private func update(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let url = try await url(in: request)
        return { id in
            let name = try await store.update(url, of: id, in: context.tenant.organization)
            let message = "Callback URL successfully updated in VM \(name)."
            return MachineOutcome(message, answer: AttachCallbackAnswer(message: message, url: url))
        }
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        { id in
            let name = try await store.remove(from: id, in: context.tenant.organization)
            return MachineOutcome("Callback URL deleted successfully in VM \(name).")
        }
    }

    private func url(in request: Request) async throws -> String {
        try policy.check(try await request.json(AttachCallbackRequest.self).url, "url")
    }
}
