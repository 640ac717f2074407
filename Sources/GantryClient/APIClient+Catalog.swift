// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    /// All regions, and what machines can be made of there.
    public func regions() async throws(ClientError) -> [RegionBody] {
        let answer: RegionsAnswer = try await call(.GET, "v1/core/regions")
        return answer.regions
    }

    /// The flavors of all regions, or of one.
    public func flavors(region: String? = nil) async throws(ClientError) -> [FlavorBody] {
        let answer: FlavorsAnswer = try await call(.GET, "v1/core/flavors", query: ["region": region])
        return answer.data.flatMap(\.flavors)
    }

    /// The images of all regions, or of one.
    public func images(region: String? = nil) async throws(ClientError) -> [ImageBody] {
        let answer: ImagesAnswer = try await call(.GET, "v1/core/images", query: ["region": region])
        return answer.images.flatMap(\.images)
    }

    public func image(_ id: Int64) async throws(ClientError) -> ImageBody {
        let answer: Answer<ImageBody> = try await call(.GET, "v1/core/images/\(id)")
        return answer.content
    }

    /// The types of GPUs that there are, with the regions that have some.
    public func gpuTypes() async throws(ClientError) -> [GPUBody] {
        let answer: GPUsAnswer = try await call(.GET, "v1/core/gpus")
        return answer.gpuList
    }

    /// How many GPUs of each type are free, by region.
    public func stocks() async throws(ClientError) -> [StockBody] {
        let answer: StocksAnswer = try await call(.GET, "v1/core/stocks")
        return answer.stocks
    }
}
