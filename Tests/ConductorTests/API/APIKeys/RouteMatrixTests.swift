// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("What a read-only key can call, of all that the API's description has")
struct RouteMatrixTests {
    /// A state in which one of the machines is, so that whatever may be asked of a machine is accepted of one of them.
    private static let phases = [
        ("active", "running", "running"), ("shutoff", "stopped", "stopped"), ("error", "running", "stopped"),
    ]

    private struct Call {
        let method: HTTPRequest.Method
        /// Of the description, such as `/v1/core/images/{id}`.
        let template: String
        let path: String
    }

    /// Each operation of tenants, once for each machine where it is about one.
    private func calls(_ api: TestAPI, _ machines: [InstanceBody]) throws -> [Call] {
        let operations = try OpenAPIContract.shared.get().operations.sorted()
        let calls = try operations.flatMap { operation in
            let parts = operation.split(separator: " ", maxSplits: 1)
            let (method, template) = (try #require(HTTPRequest.Method("\(parts[0])")), String(parts[1]))
            return paths(template, api, machines).map { Call(method: method, template: template, path: $0) }
        }
        return calls.filter { $0.template.hasPrefix("/v1/core") || $0.template.hasPrefix("/v1/api-key") }
    }

    private func paths(_ template: String, _ api: TestAPI, _ machines: [InstanceBody]) -> [String] {
        guard template.hasPrefix("\(TestAPI.machines)/{id}") else {
            return [template.replacing(/\{[^}]*name[^}]*\}/, with: "x").replacing(/\{[^}]*\}/, with: "1")]
        }
        return machines.map { machine in
            let isNamed = template.contains("{name}")
            return template.replacing("{id}", with: isNamed ? machine.environment.name : "\(machine.id)")
                .replacing("{name}", with: machine.name).replacing(/\{[^}]*\}/, with: "1")
        }
    }

    /// Something that differs when any row of any table does.
    private func mark(_ api: TestAPI) async throws -> String {
        try await api.cloud.database.read { transaction in
            let rows = try transaction.query(
                """
                SELECT md5(string_agg(query_to_xml(
                    format('SELECT sum(hashtextextended(t::text, 0)::numeric) FROM %I t', tablename), true, false, ''
                )::text, ',' ORDER BY tablename)) AS mark FROM pg_tables WHERE schemaname = current_schema()
                """
            )
            return try #require(rows.first)["mark"]
        }
    }

    private func set(_ machines: [InstanceBody], _ api: TestAPI) async throws {
        for (machine, (phase, desired, observed)) in zip(machines, Self.phases) {
            try await api.cloud.execute(
                """
                UPDATE virtual_machine SET phase = \(phase), desired = \(desired), observed_power = \(observed),
                    applied_generation = generation, deadline_at = NULL WHERE id = \(machine.id)
                """
            )
        }
        // The hour of the keys' use is written down otherwise.
        try await api.cloud.execute("UPDATE api_key SET last_used_at = now() + interval '1 day'")
    }

    @Test("Nothing that it may call changes a row, and it may call nothing but GETs")
    func readOnly() async throws {
        try await TestAPI.with { api in
            let key = try await api.secret(#""role":"read-only""#)
            let machines = try await api.create(["count": Self.phases.count])
            try await set(machines, api)
            let before = try await mark(api)
            var refused: Set<String> = []
            for call in try calls(api, machines) {
                let body = call.method == .get ? nil : "{}"
                let answer = try await api.call(call.method, call.path, body, key: key)
                if answer.status == .forbidden {
                    refused.insert("\(call.method) \(call.template)")
                    #expect(answer.error?.errorReason == "forbidden")
                    let needs = "needs a key with the role"
                    #expect(answer.error?.message.contains(needs) == true, "\(call.path) \(answer)")
                } else {
                    #expect(call.method == .get, "\(call.method) \(call.path) \(answer.status)")
                }
                #expect(try await mark(api) == before, "\(call.method) \(call.path)")
            }
            // The vendor's GETs that change something are among those refused, and what looks is not.
            let machine = "GET \(TestAPI.machines)/{id}"
            #expect(refused.isSuperset(of: ["start", "stop", "hard-reboot"].map { "\(machine)/\($0)" }))
            #expect(refused.contains("\(machine)/{name}/stop"))
            #expect(
                refused.isDisjoint(with: [machine, "\(machine)/events", "GET /v1/core/flavors", "GET /v1/api-key"])
            )
        }
    }

    @Test("Each GET that changes a row when an owner calls it is shut for a read-only key")
    func changingReads() async throws {
        try await TestAPI.with { api in
            let key = try await api.secret(#""role":"read-only""#)
            let machines = try await api.create(["count": Self.phases.count])
            var changing: Set<String> = []
            for call in try calls(api, machines) where call.method == .get {
                try await set(machines, api)
                let before = try await mark(api)
                try await api.call(.get, call.path)
                guard try await mark(api) != before else { continue }
                changing.insert(call.template)
                #expect(try await api.call(.get, call.path, key: key).status == .forbidden, "\(call.path)")
            }
            #expect(changing.count >= 6, "\(changing)")
        }
    }
}
