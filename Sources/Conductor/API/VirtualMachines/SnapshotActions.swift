// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import HTTPTypes
import Hummingbird

/// `…/snapshots`: copies of a machine's root disk.
struct SnapshotActions: Sendable {
    let lifecycle: MachineLifecycle
    /// Whether the cloud has somewhere to keep them.
    let hasImageStore: Bool

    var actions: [MachineAction] { [MachineAction(.post, "snapshots", prepare: take)] }

    private func take(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let body = try await request.json(CreateSnapshotRequest.self)
        let snapshot = NewSnapshot(
            name: try TextField.check(body.name, "name", maximumLength: 50),
            description: try TextField.optional(body.description, "description", maximumLength: 250) ?? "",
            labels: try CreationRequest.labels(body.labels ?? [])
        )
        guard hasImageStore else {
            throw APIError(
                .badRequest,
                "This cloud keeps no snapshots: its operator has to set `image_store.directory`."
            )
        }
        let tenant = context.tenant
        return { id in
            let record = try await lifecycle.takeSnapshot(
                snapshot,
                of: id,
                in: tenant.organization,
                by: tenant.user
            )
            let answer = Answer(SnapshotBody(record), message: "Snapshot creation is scheduled.")
            return MachineOutcome(answer.message, answer: answer, status: .created)
        }
    }
}
