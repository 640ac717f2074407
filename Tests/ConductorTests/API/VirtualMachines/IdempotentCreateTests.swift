// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("An Idempotency-Key makes a repeated create one create")
struct IdempotentCreateTests {
    private static let headers = ["Idempotency-Key": "order 66"]

    @Test("The same key and body gives the same machines, however the body is written, also when the image is gone")
    func same() async throws {
        try await TestAPI.with { api in
            let first = try await api.create(headers: Self.headers)
            try await api.cloud.execute("UPDATE image SET deleted_at = now()")
            let body = """
                { "count": 1, "key_names": ["laptop"], "flavor_name": "small", "image_name": "micro",
                  "environment_name": "default", "name": "web" }
                """
            let again = try await api.call(.post, TestAPI.machines, body, headers: Self.headers)
            #expect(again.status == .ok, "\(again)")
            #expect(try again.decoded(CreateInstancesAnswer.self).instances.map(\.id) == first.map(\.id))
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM virtual_machine") == 1)
        }
    }

    @Test("Another body with the same key is refused")
    func other() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(headers: Self.headers)
            let answer = try await api.call(
                .post,
                TestAPI.machines,
                TestAPI.creation(["name": "other"]),
                headers: Self.headers
            )
            #expect(answer.status == .unprocessableContent)
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM virtual_machine") == 1)
        }
    }

    @Test("Twenty at once with one key make one machine")
    func together() async throws {
        try await TestAPI.with { api in
            let ids = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for _ in 0..<20 {
                    group.addTask { try await api.create(headers: Self.headers).map(\.id) }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(ids.count == 1)
            try await api.cloud.audit()
        }
    }

    @Test("A request that was refused may be sent again with its key when the reason is gone")
    func refused() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true, cordon_reason = 'fans'")
            let refused = try await api.call(.post, TestAPI.machines, TestAPI.creation(), headers: Self.headers)
            #expect(refused.status == .conflict)
            try await api.cloud.execute("UPDATE compute_node SET cordoned = false, cordon_reason = NULL")
            #expect(try await api.create(headers: Self.headers).count == 1)
        }
    }
}
