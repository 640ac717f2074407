// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Firewalls are made, filled, attached and removed over the API")
struct FirewallRouteTests {
    private static let path = "/v1/core/firewalls"
    private static let https = """
        {"direction":"ingress","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0",
        "port_range_min":443,"port_range_max":443}
        """

    private func create(_ name: String, _ api: TestAPI) async throws -> FirewallBody {
        let body = #"{"name":"\#(name)","description":"Open","environment_id":\#(api.cloud.environment)}"#
        return try await api.call(.post, Self.path, body).decoded(Answer<FirewallBody>.self).content
    }

    private func shown(_ firewall: FirewallBody, _ api: TestAPI) async throws -> FirewallBody {
        try await api.call(.get, "\(Self.path)/\(firewall.id)").decoded(Answer<FirewallBody>.self).content
    }

    @Test("From its making to its end, with a rule and a machine")
    func life() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            try await api.cloud.execute("UPDATE virtual_machine SET phase = 'active', applied_generation = generation")
            let firewall = try await create("web", api)
            let path = "\(Self.path)/\(firewall.id)"
            #expect((firewall.name, firewall.description, firewall.environment.name) == ("web", "Open", "default"))
            let added = try await api.call(.post, "\(path)/firewall-rules", Self.https)
            let rule = try added.decoded(Answer<FirewallRuleBody>.self).content.rule
            #expect((rule.portRangeMin, rule.status) == (443, "pending"))
            #expect(try await api.call(.post, "\(path)/firewall-rules", Self.https).status == .conflict)
            let attach = "\(TestAPI.machines)/\(machine.id)/attach-firewalls"
            let attached = try await api.call(.post, attach, #"{"firewalls":[\#(firewall.id)]}"#)
            #expect(
                try attached.decoded(StatusBody.self).message == "Firewall attachments with VM are scheduled."
            )
            let full = try await shown(firewall, api)
            #expect(
                (full.status, full.rules.map(\.id), full.attachments.map(\.vm.name)) == ("pending", [rule.id], ["web"])
            )
            try await api.cloud.execute("UPDATE virtual_machine SET applied_generation = generation")
            #expect(try await shown(firewall, api).attachments.map(\.status) == ["SUCCESS"])
            let used = try await api.call(.delete, path)
            #expect((used.status, used.error?.errorReason) == (.conflict, "in_use"))
            let list = "\(TestAPI.machines)?exclude_firewalls=\(firewall.id)&exclude_firewalls=99"
            #expect(try await api.call(.get, list).decoded(InstancesAnswer.self).instances.isEmpty)
            #expect(try await api.call(.get, "\(TestAPI.machines)?exclude_firewalls=x").status == .badRequest)
            #expect(try await api.call(.post, "\(path)/update-attachments", #"{"vms":[]}"#).status == .ok)
            #expect(try await shown(firewall, api).attachments.isEmpty)
            #expect(try await api.call(.delete, "\(path)/firewall-rules/\(rule.id)").status == .ok)
            #expect(try await api.call(.delete, "\(path)/firewall-rules/\(rule.id)").status == .notFound)
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await api.call(.get, path).status == .notFound)
        }
    }

    @Test("Lists have pages, a search and an environment; a name is one firewall's in an environment")
    func list() async throws {
        try await TestAPI.with { api in
            for name in ["web", "database", "mail"] { _ = try await create(name, api) }
            func names(_ query: String) async throws -> [String] {
                try await api.call(.get, "\(Self.path)\(query)").decoded(PageAnswer<FirewallBody>.self).contents
                    .map(\.name)
            }
            #expect(try await names("") == ["web", "database", "mail"])
            #expect(try await names("?page=2&pageSize=2") == ["mail"])
            #expect(try await names("?search=BASE") == ["database"])
            #expect(try await names("?environment=other") == [])
            let body = #"{"name":"web","environment_id":\#(api.cloud.environment)}"#
            #expect(try await api.call(.post, Self.path, body).status == .conflict)
        }
    }

    @Test("Another organization sees and changes nothing, and its machines and environments are not to be had")
    func scope() async throws {
        try await TestAPI.with { api in
            let firewall = try await create("web", api)
            let machine = try #require(try await api.create().first)
            let path = "\(Self.path)/\(firewall.id)"
            for (method, route, body) in [
                (HTTPRequest.Method.get, path, nil), (.delete, path, nil),
                (.post, "\(path)/firewall-rules", Self.https),
                (.delete, "\(path)/firewall-rules/1", nil),
                (.post, "\(path)/update-attachments", #"{"vms":[\#(machine.id)]}"#),
                (.post, "\(TestAPI.machines)/\(machine.id)/attach-firewalls", #"{"firewalls":[]}"#),
                (.post, Self.path, #"{"name":"x","environment_id":\#(api.cloud.environment)}"#),
            ] as [(HTTPRequest.Method, String, String?)] {
                let answer = try await api.call(method, route, body, key: TestAPI.strangersKey)
                #expect(answer.status == .notFound, "\(method) \(route): \(answer)")
            }
            #expect(try await api.call(.post, "\(path)/update-attachments", #"{"vms":[999]}"#).status == .notFound)
            let attach = "\(TestAPI.machines)/\(machine.id)/attach-firewalls"
            #expect(try await api.call(.post, attach, #"{"firewalls":[999]}"#).status == .notFound)
            let strangers = try await api.call(.get, Self.path, key: TestAPI.strangersKey)
            #expect(try strangers.decoded(PageAnswer<FirewallBody>.self).contents.isEmpty)
        }
    }

    @Test("A machine of another environment cannot have it")
    func otherEnvironment() async throws {
        try await TestAPI.with { api in
            let firewall = try await create("web", api)
            let machine = try #require(try await api.create().first)
            try await api.cloud.execute("UPDATE virtual_machine SET phase = 'shutoff'")
            try await api.cloud.execute(
                """
                WITH other AS (
                    INSERT INTO environment (organization_id, region_id, name, subnet)
                    SELECT organization_id, region_id, 'other', '10.77.0.0/24' FROM environment RETURNING id
                )
                UPDATE firewall SET environment_id = other.id FROM other
                """
            )
            let attach = "\(TestAPI.machines)/\(machine.id)/attach-firewalls"
            let refused = try await api.call(.post, attach, #"{"firewalls":[\#(firewall.id)]}"#)
            #expect(refused.status == .badRequest)
            #expect(refused.error?.message.contains("another environment") == true, "\(refused)")
        }
    }
}
