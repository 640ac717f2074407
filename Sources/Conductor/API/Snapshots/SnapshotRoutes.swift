// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/snapshots`: machines' root disks as they were at one moment.
struct SnapshotRoutes: Sendable {
    let store: SnapshotStore
    let lifecycle: MachineLifecycle

    func add(to core: RouterGroup<TenantContext>) {
        let snapshots = core.group("snapshots")
        snapshots.get(use: list)
        snapshots.get("name-availability/:name", use: nameAvailability)
        snapshots.get(":id", use: show)
        snapshots.delete(":id", use: remove)
        snapshots.get(":id/events", use: events)
        snapshots.post(":id/restore", use: restore)
        snapshots.post(":id/image", use: makeImage)
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request)
        let page = try await store.snapshots(
            in: context.tenant.organization,
            paging.rows(search: request.text("search"), reachedBy: context.tenant)
        )
        return try .json(page, paging, message: "Getting snapshots successful") { SnapshotBody($0) }
    }

    private func show(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await store.snapshot(context.snapshot, in: context.tenant.organization)
        return try .json(SnapshotDetailBody(record), message: "Getting snapshot detail successful")
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await store.remove(context.snapshot, in: context.tenant.organization)
        return try .json(message: "Snapshot is being deleted.")
    }

    private func nameAvailability(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try TextField.check(context.segment("name"), "name", maximumLength: 50)
        let isFree = try await store.isFree(name, in: context.tenant.organization)
        return try .json(NameAvailabilityBody(name: name, available: isFree))
    }

    private func events(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await store.snapshot(context.snapshot, in: context.tenant.organization)
        return try .json(SnapshotEventsAnswer(record))
    }

    private func restore(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(RestoreSnapshotRequest.self)
        let machine = try await lifecycle.restore(
            context.snapshot,
            as: try TextField.check(body.newVMName, "new_vm_name", maximumLength: MachineNames.maximumLength),
            in: context.tenant.organization,
            by: context.tenant.user
        )
        var answer = InstanceAnswer(instance: InstanceBody(machine))
        answer.message = "VM is scheduled for restoration."
        return try .json(answer)
    }

    private func makeImage(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(SnapshotImageRequest.self)
        let image = try await store.makeImage(
            try TextField.check(body.name, "name", maximumLength: 255),
            labels: try CreationRequest.labels(body.labels ?? []),
            of: context.snapshot,
            in: context.tenant.organization
        )
        return try .json(SnapshotImageAnswer(id: image.rawValue, message: "Image has been created successfully"))
    }
}

extension TenantContext {
    /// The snapshot that the path names by its id.
    fileprivate var snapshot: SnapshotID {
        get throws { try identifier("snapshot") }
    }
}
