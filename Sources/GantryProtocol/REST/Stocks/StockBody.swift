// SPDX-License-Identifier: Apache-2.0

/// What can be had now, region by region. The vendor's answer has no envelope.
public struct StocksAnswer: Codable, Sendable, Hashable {
    public var stocks: [StockBody]

    public init(stocks: [StockBody]) {
        self.stocks = stocks
    }
}

/// What of one kind can be had in a region.
public struct StockBody: Codable, Sendable, Hashable {
    public var region: String
    /// `GPU`, the one kind that is counted.
    public var stockType: String
    public var models: [StockModelBody]

    public init(region: String, models: [StockModelBody]) {
        (self.region, self.models) = (region, models)
        stockType = "GPU"
    }

    private enum CodingKeys: String, CodingKey {
        case region
        case stockType = "stock-type"
        case models
    }
}

/// What of one GPU model can be had.
public struct StockModelBody: Codable, Sendable, Hashable {
    public var model: String
    /// `0` to `9`, or `10+`, `25+`, `100+`, `200+`.
    public var available: String
    /// How many machines with so many GPUs each could be made, by `1x`, `2x`, `4x`, `8x`, `10x`.
    public var configurations: [String: Int]
    /// GPUs that are going to be added; null, since nobody tells the conductor.
    @Nullable public var plannedIn7Days: String?
    @Nullable public var plannedIn30Days: String?
    @Nullable public var plannedIn100Days: String?

    public init(model: String, free: Int, configurations: [String: Int]) {
        (self.model, self.configurations) = (model, configurations)
        _plannedIn7Days = Nullable(wrappedValue: nil)
        _plannedIn30Days = Nullable(wrappedValue: nil)
        _plannedIn100Days = Nullable(wrappedValue: nil)
        let step = [200, 100, 25, 10].first { free >= $0 }
        available = step.map { "\($0)+" } ?? "\(max(0, free))"
    }

    private enum CodingKeys: String, CodingKey {
        case model
        case available
        case configurations
        case plannedIn7Days = "planned_7_days"
        case plannedIn30Days = "planned_30_days"
        case plannedIn100Days = "planned_100_days"
    }
}
