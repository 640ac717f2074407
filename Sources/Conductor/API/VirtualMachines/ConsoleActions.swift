// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `…/request-console` and `…/console/{id}`: the way to a machine's display, in the vendor's two steps.
struct ConsoleActions: Sendable {
    let lifecycle: MachineLifecycle
    let store: ConsoleStore
    /// The API's address for browsers; nil for that of the request.
    let publicURL: String?

    var actions: [MachineAction] {
        [
            MachineAction(.get, "request-console", prepare: ask),
            MachineAction(.get, "console/:console", prepare: show),
        ]
    }

    private func ask(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        { id in
            let tenant = context.tenant
            let (name, console) = try await lifecycle.addConsole(of: id, in: tenant.organization, by: tenant.user)
            let url = "/core/virtual-machines/\(id)/console/\(console)"
            return MachineOutcome(
                "The console of VM \(name) is at \(url).",
                answer: ConsoleRequestedAnswer(
                    message: "GET the path below for the URL of the console, which opens once, within five minutes",
                    url: url
                )
            )
        }
    }

    private func show(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let console: ConsoleID = try context.identifier("console", "console")
        let base = publicURL ?? "\(request.head.scheme ?? "http")://\(request.head.authority ?? "localhost")"
        return { id in
            guard let token = try await store.token(for: console, of: id, in: context.tenant.organization) else {
                throw APIError(
                    .notFound,
                    "VM \(id) has no console \(console) to open: each opens once, within five minutes. Request another."
                )
            }
            let url = ConsoleAddress.page(base, token: token)
            let answer = ConsoleAnswer(id: console.rawValue, url: url)
            return MachineOutcome(answer.message, answer: answer)
        }
    }
}
