// SPDX-License-Identifier: Apache-2.0

import Foundation
import Hummingbird
import HummingbirdTesting
import Observability
import Testing

@Suite("Probes tell whether a program lives, whether it can work, and which part keeps it from it")
struct ProbeRoutesTests {
    private let health = Health()
    private let liveness = Liveness()

    private func ask(_ path: String, tellsReasons: Bool = true) async throws -> (status: Int, body: String) {
        let router = Router()
        ProbeRoutes(parts: ["database", "broker"], health: health, liveness: liveness, tellsReasons: tellsReasons)
            .add(to: router)
        return try await Application(router: router)
            .test(.router) { client in
                try await client.execute(uri: path, method: .get) { ($0.status.code, String(buffer: $0.body)) }
            }
    }

    @Test("Ready is when every part that matters has said that it is well, and none is ill")
    func ready() async throws {
        health.report("database", .well)
        #expect(
            try await ask("/readyz") == (
                503,
                #"{"parts":{"broker":{"reason":"It was not heard of yet.","status":"ill"},"#
                    + #""database":{"status":"well"}},"status":"ill"}"# + "\n"
            )
        )
        health.report("broker", .well)
        let well = #"{"parts":{"broker":{"status":"well"},"database":{"status":"well"}},"status":"ready"}"# + "\n"
        #expect(try await ask("/readyz") == (200, well))
        health.report("metadata", .ill("no address"))
        let ill = try await ask("/readyz")
        #expect(ill.status == 503 && ill.body.contains(#""metadata":{"reason":"no address","status":"ill"}"#))
        let discreet = try await ask("/readyz", tellsReasons: false)
        #expect(discreet.status == 503 && discreet.body.contains(#""metadata":{"status":"ill"}"#))
        #expect(!discreet.body.contains("no address"))
    }

    @Test("A part that is ill is no reason to start the program anew; a loop that hangs is")
    func alive() async throws {
        health.report("database", .ill("away"))
        liveness.beat("reports", within: .seconds(100))
        #expect(try await ask("/healthz") == (200, #"{"stalled":[],"status":"alive"}"# + "\n"))
        liveness.beat("looks", within: .zero)
        #expect(try await ask("/healthz") == (503, #"{"stalled":["looks"],"status":"hanging"}"# + "\n"))
    }
}
