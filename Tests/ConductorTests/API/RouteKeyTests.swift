// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import HTTPTypes
import Testing

@Suite("Whose key opens which route")
struct RouteKeyTests {
    @Test("Every route for tenants refuses nobody and operators, every route for operators nobody and tenants")
    func everyRoute() async throws {
        try await TestAPI.with { api in
            let routes = api.routes.filter { $0.path.hasPrefix("/v1/") && !$0.path.hasPrefix("/v1/internal/") }
            #expect(routes.count > 50)
            for (method, path) in routes {
                let uri = path.split(separator: "/").map { $0.hasPrefix("{") ? "1" : $0 }.joined(separator: "/")
                let wrongKey = path.hasPrefix("/v1/admin/") ? TestAPI.key : TestAPI.operatorsKey
                let nobody = try await api.call(method, "/\(uri)", key: nil)
                #expect(nobody.status == .unauthorized, "\(method) \(path)")
                #expect(nobody.error?.errorReason == "unauthorized")
                let wrong = try await api.call(method, "/\(uri)", key: wrongKey)
                #expect(wrong.status == .forbidden, "\(method) \(path)")
                #expect(wrong.error?.errorReason == "forbidden")
            }
        }
    }
}
