// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Every route wants a key, and a key of the right kind")
struct AuthenticationTests {
    @Test(
        "A key comes in any of three headers",
        arguments: [
            ["api_key": TestAPI.key], ["Authorization": "Token \(TestAPI.key)"],
            ["Authorization": "bearer \(TestAPI.key)"],
        ]
    )
    func headers(_ headers: [String: String]) async throws {
        try await TestAPI.with { api in
            for path in [TestAPI.machines, "\(TestAPI.machines)/"] {
                let answer = try await api.call(.get, path, key: nil, headers: headers)
                #expect(answer.status == .ok)
            }
        }
    }

    @Test(
        "No key and a wrong one are told to send a right one",
        arguments: [
            [:], ["api_key": "wrong"], ["Authorization": TestAPI.key], ["Authorization": "Basic \(TestAPI.key)"],
            ["api_key": ""],
        ]
    )
    func refused(_ headers: [String: String]) async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.get, TestAPI.machines, key: nil, headers: headers)
            #expect(answer.status == .unauthorized)
            #expect(answer.error?.errorReason == "unauthorized")
        }
    }

    @Test("An expired key is none")
    func expired() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute("UPDATE api_key SET expires_at = now() - interval '1 second'")
            #expect(try await api.call(.get, TestAPI.machines).status == .unauthorized)
        }
    }

    @Test("An operator's key opens no tenant's door")
    func operators() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.get, TestAPI.machines, key: TestAPI.operatorsKey)
            #expect(answer.status == .forbidden)
        }
    }

    @Test("A read-only key of an operator looks at everything and changes nothing")
    func readOnlyOperator() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute(
                "UPDATE api_key SET role = 'read-only' WHERE digest = \(APIKeyStore.digest(of: TestAPI.operatorsKey))"
            )
            #expect(try await api.call(.get, "/v1/admin/nodes", key: TestAPI.operatorsKey).status == .ok)
            for (method, path) in [
                (HTTPRequest.Method.post, "/v1/admin/organizations"), (.delete, "/v1/admin/organizations/1"),
                (.post, "/v1/admin/nodes/one/declare-dead"),
            ] {
                let answer = try await api.call(method, path, #"{"name":"x"}"#, key: TestAPI.operatorsKey)
                #expect(answer.status == .forbidden, "\(path): \(answer.status)")
                #expect(answer.error?.message.contains("needs a key with the role member or owner") == true)
            }
        }
    }

    @Test("The key of the test data works where only this machine can reach the conductor, and nowhere else")
    func testToken() async throws {
        for isLoopback in [true, false] {
            try await TestAPI.with(acceptsTestKeys: isLoopback) { api in
                try await api.cloud.execute(
                    """
                    INSERT INTO api_key (user_id, name, digest, test_only)
                    VALUES (\(api.cloud.user), 'test', \(APIKeyStore.digest(of: TestData.apiKey)), true)
                    """
                )
                let answer = try await api.call(.get, TestAPI.machines, key: TestData.apiKey)
                #expect(answer.status == (isLoopback ? .ok : .unauthorized))
            }
        }
    }

    @Test("A wrong path is a 404 and a wrong method a 405 that lists the right ones")
    func unknown() async throws {
        try await TestAPI.with { api in
            #expect(try await api.call(.get, "/v1/core/nothing").error?.errorReason == "not_found")
            let answer = try await api.call(.patch, TestAPI.machines)
            #expect(answer.status == .methodNotAllowed)
            #expect(answer.headers[.allow] == "GET, POST")
            for method in [HTTPRequest.Method.head, .options, .trace, .query] {
                #expect(try await api.call(method, "\(TestAPI.machines)/1/start").status == .methodNotAllowed)
            }
            #expect(try await api.call(.head, TestAPI.machines).body.isEmpty)
            #expect(try await api.call(.head, "/v1/core/nothing").body.isEmpty)
        }
    }
}
