// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import HTTPTypes
import Testing

@Suite("A tenant's key makes only so many requests, and every answer has the request's id")
struct RateLimitTests {
    @Test("A bucket lends its burst at once, then tokens as time passes, and never more than the burst")
    func bucket() throws {
        let limiter = RateLimiter<APIKeyID>(RateLimit(requestsPerMinute: 60, burst: 3))
        let (key, other) = (APIKeyID(1), APIKeyID(2))
        let start = ContinuousClock.now
        for _ in 1...3 { #expect(limiter.take(key, at: start) == nil) }
        let wait = try #require(limiter.take(key, at: start + .milliseconds(250)))
        #expect(abs(wait / .seconds(1) - 0.75) < 0.001)
        #expect(limiter.take(other, at: start) == nil)
        #expect(limiter.take(key, at: start + .seconds(1)) == nil)
        #expect(limiter.take(key, at: start + .seconds(1)) != nil)
        for _ in 1...3 { #expect(limiter.take(key, at: start + .seconds(3600)) == nil) }
        #expect(limiter.take(key, at: start + .seconds(3600)) != nil)
    }

    @Test("Beyond the limit a tenant is told when to come again; other tenants and operators go on")
    func refused() async throws {
        try await TestAPI.with(rateLimit: RateLimit(requestsPerMinute: 1, burst: 2)) { api in
            for _ in 1...2 { #expect(try await api.call(.get, TestAPI.machines).status == .ok) }
            let refused = try await api.call(.get, TestAPI.machines)
            #expect(refused.status == .tooManyRequests)
            #expect(refused.error?.errorReason == "too_many_requests")
            let seconds = try #require(refused.headers[.retryAfter].flatMap { Int($0) })
            #expect((1...60).contains(seconds))
            #expect(try await api.call(.get, TestAPI.machines, key: TestAPI.strangersKey).status == .ok)
            for _ in 1...5 { #expect(try await api.operate(.get, "nodes").status == .ok) }
        }
    }

    @Test(
        "A well-formed id of a request is its answer's too",
        arguments: [
            ("4711-a.b_C", true), (String(repeating: "x", count: 128), true),
            (String(repeating: "x", count: 129), false),
            ("a b", false), ("a\"b", false), ("é", false),
        ]
    )
    func requestID(_ id: String, _ isTaken: Bool) async throws {
        try await TestAPI.with { api in
            let name = try #require(HTTPField.Name("x-request-id"))
            for path in [TestAPI.machines, "\(TestAPI.machines)/999999"] {
                let answer = try await api.call(.get, path, headers: ["X-Request-Id": id])
                let given = try #require(answer.headers[name])
                #expect((given == id) == isTaken)
                #expect(!given.isEmpty)
            }
        }
    }
}
