// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/gpus` and `/v1/core/stocks`: what GPUs there are, and how many can be had now.
struct StockRoutes: Sendable {
    let store: StockStore

    /// The vendor's sizes of machines.
    private static let configurations = [1, 2, 4, 8, 10]

    func add(to core: RouterGroup<TenantContext>) {
        core.get("gpus", use: listGPUs)
        core.get("stocks", use: listStocks)
    }

    private func listGPUs(_ request: Request, _ context: TenantContext) async throws -> Response {
        // They come by model.
        var models: [GPUBody] = []
        for record in try await store.models() {
            let region = GPURegionBody(id: record.regionID.rawValue, name: record.regionName)
            let body = GPUBody(
                id: record.device,
                name: record.gpuType,
                regions: [region],
                createdAt: Timestamp(record.createdAt),
                updatedAt: Timestamp(record.updatedAt)
            )
            guard var model = models.popLast() else {
                models.append(body)
                continue
            }
            guard model.name == record.gpuType else {
                models += [model, body]
                continue
            }
            model.regions.append(region)
            model.id = min(model.id, body.id)
            models.append(model)
        }
        return try .json(GPUsAnswer(gpuList: models))
    }

    private func listStocks(_ request: Request, _ context: TenantContext) async throws -> Response {
        // They come by region.
        var stocks: [StockBody] = []
        for stock in try await store.freeGPUs() {
            if stocks.last?.region != stock.regionName {
                stocks.append(StockBody(region: stock.regionName, models: []))
            }
            stocks[stocks.count - 1].models.append(StockModelBody(stock))
        }
        return try .json(StocksAnswer(stocks: stocks))
    }

    fileprivate static func configurations(_ stock: GPUStock) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: configurations.map { ("\($0)x", stock.machines(with: $0)) })
    }
}

extension StockModelBody {
    fileprivate init(_ stock: GPUStock) {
        self.init(model: stock.gpuType, free: stock.free, configurations: StockRoutes.configurations(stock))
    }
}
