// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/environments`: environments.
struct EnvironmentRoutes: Sendable {
    let store: EnvironmentStore

    func add(to core: RouterGroup<TenantContext>) {
        let environments = core.group("environments")
        environments.get(use: list)
        environments.post(use: create)
        environments.get("name-availability/:name", use: nameAvailability)
        environments.get(":id", use: show)
        environments.put(":id", use: rename)
        environments.delete(":id", use: remove)
        environments.get(":id/vm-quota", use: quota)
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request)
        let page = try await store.environments(
            in: context.tenant.organization,
            paging.rows(search: request.text("search"), reachedBy: context.tenant)
        )
        return try .json(page, paging, message: "Getting environments successful") { EnvironmentBody($0) }
    }

    private func create(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(CreateEnvironmentRequest.self)
        let record = try await store.create(
            try EnvironmentName.check(body.name, "name"),
            region: body.region,
            in: context.tenant.organization
        )
        return try .json(EnvironmentBody(record), message: "Environment has been created successfully")
    }

    private func show(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await store.environment(context.environment, in: context.tenant.organization)
        return try .json(EnvironmentBody(record), message: "Getting environment detail successful")
    }

    private func rename(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try EnvironmentName.check(await request.json(RenameRequest.self).name, "name")
        let record = try await store.rename(context.environment, to: name, in: context.tenant.organization)
        return try .json(EnvironmentBody(record), message: "Environment has been updated successfully")
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await store.remove(context.environment, in: context.tenant.organization)
        return try .json(message: "Environment has been deleted successfully")
    }

    private func quota(_ request: Request, _ context: TenantContext) async throws -> Response {
        let quota = try await store.quota(of: context.environment, in: context.tenant.organization)
        return try .json(
            EnvironmentQuotaBody(current: quota.used, maximum: quota.total, cidr: quota.subnet.description)
        )
    }

    private func nameAvailability(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try EnvironmentName.check(context.segment("name"), "name")
        let isFree = try await store.isFree(name, in: context.tenant.organization)
        return try .json(NameAvailabilityBody(name: name, available: isFree))
    }
}

extension TenantContext {
    /// The environment that the path names by its id.
    fileprivate var environment: EnvironmentID {
        get throws { try identifier("environment") }
    }
}

extension EnvironmentBody {
    init(_ record: EnvironmentRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            region: record.regionName,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
