// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/regions`: regions.
struct AdminRegionRoutes: Sendable {
    let store: RegionStore

    private static let maximumNameLength = 50
    private static let maximumTextLength = 1000
    /// Every address of an environment is a row, and a shorter network than the latter has none for a machine.
    private static let environmentPrefixes = 16...29

    func add(to admin: RouterGroup<OperatorContext>) {
        let regions = admin.group("regions")
        regions.get { request, _ in
            let paging = try Paging(request)
            let page = try await store.regions(paging.rows(search: request.text("search")))
            return try Response.json(page, paging, message: "These are the regions.") { AdminRegionBody($0) }
        }
        regions.post { request, _ in
            let body = try await request.json(CreateRegionRequest.self)
            let change = try Self.change(
                body.name,
                body.description,
                body.country,
                body.network,
                body.environmentPrefix
            )
            let record = try await store.create(body.name, change)
            return try Response.json(AdminRegionBody(record), message: "The region was created.")
        }
        regions.get(":id") { _, context in
            let record = try await store.region(try context.identifier("region"))
            return try Response.json(AdminRegionBody(record), message: "This is the region.")
        }
        regions.patch(":id") { request, context in
            let body = try await request.json(UpdateRegionRequest.self)
            let change = try Self.change(
                body.name,
                body.description,
                body.country,
                body.network,
                body.environmentPrefix
            )
            let record = try await store.update(try context.identifier("region"), change)
            return try Response.json(AdminRegionBody(record), message: "The region was changed.")
        }
        regions.delete(":id") { _, context in
            try await store.remove(try context.identifier("region"))
            return try Response.json(message: "The region was deleted.")
        }
    }

    private static func change(
        _ name: String?,
        _ description: String?,
        _ country: String?,
        _ network: String?,
        _ environmentPrefix: Int?
    ) throws(APIError) -> RegionChange {
        var change = RegionChange(environmentPrefix: environmentPrefix)
        if let name { change.name = try TextField.check(name, "name", maximumLength: maximumNameLength) }
        change.description = try TextField.optional(description, "description", maximumLength: maximumTextLength)
        change.country = try TextField.optional(country, "country", maximumLength: maximumNameLength)
        if let network { change.network = try NetworkField.check(network, "network") }
        if let prefix = environmentPrefix, !environmentPrefixes.contains(prefix) {
            throw .invalid(
                "environment_prefix",
                "it is \(prefix); it can be \(environmentPrefixes.lowerBound) to \(environmentPrefixes.upperBound)."
            )
        }
        return change
    }
}

extension AdminRegionBody {
    fileprivate init(_ record: RegionRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            description: record.description,
            country: record.country,
            network: record.network.description,
            environmentPrefix: record.environmentPrefix,
            environmentCount: record.environmentCount,
            nodeCount: record.nodeCount,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
