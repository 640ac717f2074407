// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// What tenants choose from: regions, flavors, images and the words of packet filter rules.
struct CatalogRoutes: Sendable {
    let regions: RegionStore
    let flavors: FlavorStore
    let images: ImageStore

    func add(to core: RouterGroup<TenantContext>) {
        core.get("regions", use: listRegions)
        core.get("flavors", use: listFlavors)
        core.get("images", use: listImages)
        core.get("images/:id", use: showImage)
        core.delete("images/:id", use: removeImage)
        core.get("image/name-availability/:name", use: imageNameAvailability)
        core.get("sg-rules-protocols") { _, _ in
            try Response.json(SecurityRuleProtocolsAnswer(protocols: SecurityRule.protocols))
        }
    }

    private func listRegions(_ request: Request, _ context: TenantContext) async throws -> Response {
        let page = try await regions.regions()
        return try .json(RegionsAnswer(regions: page.elements.map { RegionBody($0) }))
    }

    private func listFlavors(_ request: Request, _ context: TenantContext) async throws -> Response {
        let offers = try await flavors.offers(region: try await regions.id(in: request))
        // They come in the order of the groups.
        var groups: [FlavorGroupBody] = []
        for body in offers.map({ FlavorBody($0) }) {
            if groups.last?.gpu != body.gpu || groups.last?.regionName != body.regionName {
                groups.append(FlavorGroupBody(gpu: body.gpu, regionName: body.regionName, flavors: []))
            }
            groups[groups.count - 1].flavors.append(body)
        }
        return try .json(FlavorsAnswer(data: groups))
    }

    private func listImages(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request, sizeName: "per_page")
        let region = try await regions.id(in: request)
        let includesPublic = try request.text("include_public") == nil || request.flag("include_public")
        let page = try await images.images(
            paging.rows(search: request.text("search")),
            region: region,
            of: context.tenant.organization,
            includesPublic: includesPublic
        )
        var groups: [ImageGroupBody] = []
        for body in page.elements.map({ ImageBody($0) }) {
            if groups.last?.type != body.type || groups.last?.regionName != body.regionName {
                groups.append(ImageGroupBody(regionName: body.regionName, type: body.type, images: []))
            }
            groups[groups.count - 1].images.append(body)
        }
        return try .json(
            ImagesAnswer(page: paging.page, pageSize: paging.pageSize, count: page.count, images: groups)
        )
    }

    private func showImage(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await images.image(context.identifier("image"), for: context.tenant.organization)
        return try .json(ImageBody(record), message: "Getting image detail successful")
    }

    private func removeImage(_ request: Request, _ context: TenantContext) async throws -> Response {
        try await images.remove(context.identifier("image"), of: context.tenant.organization)
        return try .json(message: "Image has been deleted successfully")
    }

    private func imageNameAvailability(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try TextField.check(context.segment("name"), "name", maximumLength: 255)
        let isFree = try await images.isFree(name, in: context.tenant.organization)
        return try .json(NameAvailabilityBody(name: name, available: isFree))
    }
}

extension RegionBody {
    init(_ record: RegionRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            description: record.description,
            country: record.country
        )
    }
}

extension FlavorBody {
    init(_ offer: FlavorOffer) {
        let flavor = offer.flavor
        self.init(
            id: flavor.id.rawValue,
            name: flavor.name,
            regionName: flavor.regionName,
            cpu: flavor.resources.vcpus,
            ram: Double(flavor.resources.memoryMiB) / 1024,
            disk: flavor.resources.diskGiB,
            gpu: flavor.gpuType,
            gpuCount: flavor.gpuCount,
            stopPolicy: flavor.stopPolicy.rawValue,
            stockAvailable: offer.isAvailable,
            createdAt: Timestamp(flavor.createdAt)
        )
    }
}

extension ImageBody {
    init(_ record: ImageRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            regionName: record.regionName,
            type: record.type,
            version: record.version,
            size: record.size,
            displaySize: record.size == 0 ? "" : Self.display(record.size),
            description: record.description,
            createdAt: Timestamp(record.createdAt)
        )
        isPublic = record.organization == nil
        snapshot = record.snapshot?.rawValue
        labels = record.labels.enumerated().map { LabelBody(id: Int64($0 + 1), label: $1) }
    }

    /// Such as `2.4 GiB`, or `38 MiB` below one GiB; rounded up, so that it is never 0.
    private static func display(_ bytes: Int64) -> String {
        let mebibytes = (bytes + 1 << 20 - 1) >> 20
        guard mebibytes >= 1024 else { return "\(mebibytes) MiB" }
        let tenths = (mebibytes * 10 + 1023) / 1024
        return tenths % 10 == 0 ? "\(tenths / 10) GiB" : "\(tenths / 10).\(tenths % 10) GiB"
    }
}
