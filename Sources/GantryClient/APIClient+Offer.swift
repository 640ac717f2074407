// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

/// What operators offer to tenants.
extension APIClient {
    private static let regions = "v1/admin/regions"
    private static let flavors = "v1/admin/flavors"
    private static let images = "v1/admin/images"
    private static let pools = "v1/admin/floating-ip-pools"

    // MARK: - Regions

    /// All regions by name, or those with something in their names.
    public func adminRegions(search: String? = nil) async throws(ClientError) -> [AdminRegionBody] {
        let answer: PageAnswer<AdminRegionBody> = try await call(.GET, Self.regions, query: ["search": search])
        return answer.contents
    }

    public func adminRegion(_ id: Int64) async throws(ClientError) -> AdminRegionBody {
        let answer: Answer<AdminRegionBody> = try await call(.GET, "\(Self.regions)/\(id)")
        return answer.content
    }

    public func createRegion(_ request: CreateRegionRequest) async throws(ClientError) -> Answer<AdminRegionBody> {
        try await call(.POST, Self.regions, request)
    }

    /// Changes a region; what is left out stays.
    public func updateRegion(
        _ id: Int64,
        _ request: UpdateRegionRequest
    ) async throws(ClientError) -> Answer<AdminRegionBody> {
        try await call(.PATCH, "\(Self.regions)/\(id)", request)
    }

    /// Deletes a region in which nothing is.
    @discardableResult
    public func deleteRegion(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.regions)/\(id)")
    }

    // MARK: - Flavors

    /// All flavors, or those of a region or with something in their names, oldest first.
    public func adminFlavors(
        search: String? = nil,
        region: String? = nil
    ) async throws(ClientError) -> [AdminFlavorBody] {
        let query = ["search": search, "region": region]
        let answer: PageAnswer<AdminFlavorBody> = try await call(.GET, Self.flavors, query: query)
        return answer.contents
    }

    public func adminFlavor(_ id: Int64) async throws(ClientError) -> AdminFlavorBody {
        let answer: Answer<AdminFlavorBody> = try await call(.GET, "\(Self.flavors)/\(id)")
        return answer.content
    }

    public func createFlavor(_ request: CreateFlavorRequest) async throws(ClientError) -> Answer<AdminFlavorBody> {
        try await call(.POST, Self.flavors, request)
    }

    /// Takes a flavor off the list.
    @discardableResult
    public func deleteFlavor(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.flavors)/\(id)")
    }

    // MARK: - Images

    /// All images that are offered, or those of a region or with something in their names.
    public func adminImages(
        search: String? = nil,
        region: String? = nil
    ) async throws(ClientError) -> [AdminImageBody] {
        let query = ["search": search, "region": region]
        let answer: PageAnswer<AdminImageBody> = try await call(.GET, Self.images, query: query)
        return answer.contents
    }

    public func adminImage(_ id: Int64) async throws(ClientError) -> AdminImageBody {
        let answer: Answer<AdminImageBody> = try await call(.GET, "\(Self.images)/\(id)")
        return answer.content
    }

    /// Offers an image, which each node that needs it fetches and checks.
    public func createImage(_ request: CreateImageRequest) async throws(ClientError) -> Answer<AdminImageBody> {
        try await call(.POST, Self.images, request)
    }

    /// Takes an image off the list.
    @discardableResult
    public func deleteAdminImage(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.images)/\(id)")
    }

    // MARK: - Floating IP pools

    /// All floating IP pools, or those of a region or with something in their names, oldest first.
    public func floatingIPPools(
        search: String? = nil,
        region: String? = nil
    ) async throws(ClientError) -> [FloatingIPPoolBody] {
        let query = ["search": search, "region": region]
        let answer: PageAnswer<FloatingIPPoolBody> = try await call(.GET, Self.pools, query: query)
        return answer.contents
    }

    public func floatingIPPool(_ id: Int64) async throws(ClientError) -> FloatingIPPoolBody {
        let answer: Answer<FloatingIPPoolBody> = try await call(.GET, "\(Self.pools)/\(id)")
        return answer.content
    }

    public func createFloatingIPPool(
        _ request: CreateFloatingIPPoolRequest
    ) async throws(ClientError) -> Answer<FloatingIPPoolBody> {
        try await call(.POST, Self.pools, request)
    }

    /// Deletes a floating IP pool of which no machine has an address.
    @discardableResult
    public func deleteFloatingIPPool(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.pools)/\(id)")
    }
}
