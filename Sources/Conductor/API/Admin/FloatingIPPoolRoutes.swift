// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/floating-ip-pools`: public addresses. A pool is not changed; another one adds to it.
struct FloatingIPPoolRoutes: Sendable {
    let store: FloatingIPPoolStore
    let regions: RegionStore

    private static let maximumNameLength = 50
    /// Every address is a row.
    private static let shortestPrefix = 16

    func add(to admin: RouterGroup<OperatorContext>) {
        let pools = admin.group("floating-ip-pools")
        pools.get { request, _ in
            let paging = try Paging(request)
            let page = try await store.pools(
                paging.rows(search: request.text("search")),
                region: try await regions.id(in: request)
            )
            return try Response.json(page, paging, message: "These are the floating IP pools.") {
                FloatingIPPoolBody($0)
            }
        }
        pools.post { request, _ in
            let body = try await request.json(CreateFloatingIPPoolRequest.self)
            let record = try await store.create(
                try TextField.check(body.name, "name", maximumLength: Self.maximumNameLength),
                region: body.region,
                network: try Self.network(body.network)
            )
            return try Response.json(FloatingIPPoolBody(record), message: "The floating IP pool was created.")
        }
        pools.get(":id") { _, context in
            let record = try await store.pool(try context.identifier("floating IP pool"))
            return try Response.json(FloatingIPPoolBody(record), message: "This is the floating IP pool.")
        }
        pools.delete(":id") { _, context in
            try await store.remove(try context.identifier("floating IP pool"))
            return try Response.json(message: "The floating IP pool was deleted.")
        }
    }

    private static func network(_ text: String) throws(APIError) -> Subnet {
        let network = try NetworkField.check(text, "network")
        guard network.prefixLength >= shortestPrefix else {
            throw .invalid(
                "network",
                "\(network) has \(network.size) addresses; a pool may have a /\(shortestPrefix). Make several."
            )
        }
        return network
    }
}

extension FloatingIPPoolBody {
    fileprivate init(_ record: FloatingIPPoolRecord) {
        self.init(
            id: record.id.rawValue,
            region: record.regionName,
            name: record.name,
            network: record.network.description,
            addressCount: record.addressCount,
            assignedCount: record.assignedCount,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
