// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import HTTPTypes
import Hummingbird

/// `/v1/core/volumes`: disks that exist apart from machines.
struct VolumeRoutes: Sendable {
    let store: VolumeStore
    let lifecycle: MachineLifecycle
    let callbacks: CallbackPolicy

    private static let maximumSize = 1 << 20

    func add(to core: RouterGroup<TenantContext>) {
        core.get("volume-types", use: types)
        core.get("volume/name-availability/:name", use: nameAvailability)
        let volumes = core.group("volumes")
        volumes.get(use: list)
        volumes.post(use: create)
        volumes.get(":id", use: show)
        volumes.patch(":id", use: update)
        volumes.delete(":id", use: remove)
        volumes.post(":id/attach-callback", use: attachCallback)
        volumes.put(":id/update-callback", use: updateCallback)
        volumes.delete(":id/delete-callback", use: removeCallback)
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request)
        let page = try await store.volumes(
            in: context.tenant.organization,
            environment: request.text("environment"),
            paging.rows(search: request.text("search"), reachedBy: context.tenant)
        )
        return try .json(page, paging, message: "Getting volumes successful") { VolumeBody($0) }
    }

    private func create(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(CreateVolumeRequest.self)
        let volume = NewVolume(
            organization: context.tenant.organization,
            user: context.tenant.user,
            environment: body.environmentName,
            name: try TextField.check(body.name, "name", maximumLength: 50),
            description: try Self.description(body.description) ?? "",
            type: body.volumeType,
            sizeGiB: try Self.size(body.size),
            image: body.imageID.map { ImageID($0) },
            callbackURL: try body.callbackURL.flatMap { $0.isEmpty ? nil : try callbacks.check($0, "callback_url") }
        )
        return try .json(VolumeBody(await store.create(volume)), message: "Volume created successfully")
    }

    private func show(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await store.volume(context.volume, in: context.tenant.organization)
        return try .json(VolumeBody(record), message: "Getting volume detail successful")
    }

    private func update(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(UpdateVolumeRequest.self)
        if body.environmentName != nil, context.tenant.grant.environments != nil {
            throw APIError(.forbidden, "This key is for some environments only; move volumes with one that is for all.")
        }
        let change = VolumeChange(
            name: try body.name.map { try TextField.check($0, "name", maximumLength: 50) },
            description: try Self.description(body.description),
            sizeGiB: try body.size.map { try Self.size($0) },
            environment: body.environmentName
        )
        let record = try await lifecycle.changeVolume(
            context.volume,
            change,
            in: context.tenant.organization,
            by: context.tenant.user
        )
        return try .json(
            UpdateVolumeAnswer(message: "Volume updated successfully", updates: body, volume: VolumeBody(record))
        )
    }

    private func remove(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await store.remove(context.volume, in: context.tenant.organization)
        return try .json(message: "Volume is being deleted.")
    }

    private func types(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await .json(VolumeTypesAnswer(volumeTypes: store.types()))
    }

    private func nameAvailability(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try TextField.check(context.segment("name"), "name", maximumLength: 50)
        let isFree = try await store.isFree(name, in: context.tenant.organization)
        return try .json(NameAvailabilityBody(name: name, available: isFree))
    }

    // MARK: - Callbacks

    private func attachCallback(_ request: Request, _ context: TenantContext) async throws -> Response {
        let url = try await url(in: request)
        let name = try await set(url, isNew: true, context)
        let message =
            "Callback URL successfully attached to volume '\(name)'. Any action events on your volume will be posted to "
            + "the provided URL."
        return try .json(AttachCallbackAnswer(message: message, url: url))
    }

    private func updateCallback(_ request: Request, _ context: TenantContext) async throws -> Response {
        let url = try await url(in: request)
        let name = try await set(url, isNew: false, context)
        return try .json(
            AttachCallbackAnswer(message: "Callback URL successfully updated in volume \(name).", url: url)
        )
    }

    private func removeCallback(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try await set(nil, isNew: false, context)
        return try .json(message: "Callback URL deleted successfully in volume \(name).")
    }

    private func set(_ url: String?, isNew: Bool, _ context: TenantContext) async throws -> String {
        try await store.setCallback(url, isNew: isNew, of: context.volume, in: context.tenant.organization)
    }

    private func url(in request: Request) async throws -> String {
        try callbacks.check(try await request.json(AttachCallbackRequest.self).url, "url")
    }

    // MARK: - Fields

    private static func size(_ size: Int) throws(APIError) -> Int {
        guard (1...maximumSize).contains(size) else {
            throw .invalid("size", "it is \(size) GB; it can be 1 to \(maximumSize).")
        }
        return size
    }

    private static func description(_ text: String?) throws(APIError) -> String? {
        try TextField.optional(text, "description", maximumLength: 250)
    }
}

extension TenantContext {
    /// The volume that the path names by its id.
    fileprivate var volume: VolumeID {
        get throws { try identifier("volume") }
    }
}
