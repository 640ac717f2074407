// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("GPU models and stocks are what the nodes have free")
struct StockRouteTests {
    @Test("A cloud without GPUs has empty lists")
    func none() async throws {
        try await TestAPI.with { api in
            let gpus = try await api.call(.get, "/v1/core/gpus").decoded(GPUsAnswer.self)
            #expect(gpus.gpuList.isEmpty)
            let stocks = try await api.call(.get, "/v1/core/stocks").decoded(StocksAnswer.self)
            #expect(stocks.stocks.isEmpty)
        }
    }

    @Test("Machines with several GPUs are counted node by node, and what is taken is not free")
    func stocks() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addNode("five", gpus: [0, 0, 0, 0, 1])
            try await api.cloud.addNode("three", gpus: [0, 0, 1])
            func model() async throws -> StockModelBody? {
                let answer = try await api.call(.get, "/v1/core/stocks").decoded(StocksAnswer.self)
                #expect(answer.stocks.map(\.region) == ["TEST-1"])
                return answer.stocks.first?.models.first
            }
            let full = try #require(try await model())
            #expect((full.model, full.available) == ("H100", "8"))
            #expect(full.configurations == ["1x": 8, "2x": 3, "4x": 1, "8x": 0, "10x": 0])
            _ = try await api.create(["flavor_name": "gpu"])
            #expect(try await model()?.available == "6")
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true")
            #expect(try await model()?.available == "0")
        }
    }

    @Test("Many are not counted out")
    func many() {
        #expect(StockModelBody(model: "H100", free: 9, configurations: [:]).available == "9")
        #expect(StockModelBody(model: "H100", free: 24, configurations: [:]).available == "10+")
        #expect(StockModelBody(model: "H100", free: 1000, configurations: [:]).available == "200+")
    }

    @Test("A model is listed once with all its regions")
    func models() async throws {
        try await TestAPI.with { api in
            try await api.cloud.addNode("two", gpus: [0, 0])
            try await api.cloud.addNode("three", gpus: [0])
            try await api.cloud.execute("INSERT INTO region (name) VALUES ('OTHER-1')")
            try await api.cloud.execute(
                "UPDATE compute_node SET region_id = (SELECT id FROM region WHERE name = 'OTHER-1') WHERE name = 'three'"
            )
            try await api.cloud.execute(
                """
                UPDATE gpu_device SET gpu_type = 'A100' WHERE id = (SELECT min(id) FROM gpu_device)
                """
            )
            let answer = try await api.call(.get, "/v1/core/gpus").decoded(GPUsAnswer.self)
            #expect(answer.gpuList.map(\.name) == ["A100", "H100"])
            #expect(answer.gpuList.map { $0.regions.map(\.name) } == [["TEST-1"], ["OTHER-1", "TEST-1"]])
        }
    }
}
