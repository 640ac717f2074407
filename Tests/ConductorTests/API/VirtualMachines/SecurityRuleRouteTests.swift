// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import HTTPTypes
import Testing

@Suite("Rules are added to machines and removed over the API")
struct SecurityRuleRouteTests {
    private static let ssh = """
        {"direction":"ingress","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0",
        "port_range_min":22,"port_range_max":22}
        """

    @Test("A rule is answered as pending, shown with its machine, refused when it is there, and removed")
    func life() async throws {
        try await TestAPI.with { api in
            let machine = "\(TestAPI.machines)/\(try #require(try await api.create().first).id)"
            let answer = try await api.call(.post, "\(machine)/sg-rules", Self.ssh)
            let rule = try answer.decoded(Answer<SecurityRuleBody>.self).content
            #expect((rule.status, rule.portRangeMin, rule.remoteIPPrefix) == ("pending", 22, "0.0.0.0/0"))
            let shown = try await api.call(.get, machine).decoded(InstanceAnswer.self).instance.securityRules
            #expect(shown.last?.id == rule.id)
            let again = try await api.call(.post, "\(machine)/sg-rules", Self.ssh)
            #expect((again.status, again.error?.errorReason) == (.conflict, "already_exist"))
            let path = "\(machine)/sg-rules/\(rule.id)"
            #expect(try await api.call(.delete, path, key: TestAPI.strangersKey).status == .notFound)
            let other = try #require(try await api.create(["name": "other"]).first)
            let foreign = try await api.call(.delete, "\(TestAPI.machines)/\(other.id)/sg-rules/\(rule.id)")
            #expect(foreign.status == .notFound)
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await api.call(.delete, path).status == .notFound)
            #expect(try await api.call(.delete, "\(machine)/sg-rules/x").status == .notFound)
        }
    }

    @Test(
        "What is no rule is refused by the field's name",
        arguments: [
            ("direction", #""sideways""#), ("protocol", #""smtp""#), ("ethertype", #""IPX""#),
            ("remote_ip_prefix", #""everywhere""#), ("remote_ip_prefix", #""2001:db8::/32""#),
            ("remote_ip_prefix", #""2001:db8::1/32""#), ("port_range_min", "70000"),
        ]
    )
    func refused(_ field: String, _ value: String) async throws {
        try await TestAPI.with { api in
            let machine = "\(TestAPI.machines)/\(try #require(try await api.create().first).id)"
            let fields = [
                "direction": #""ingress""#, "protocol": #""tcp""#, "ethertype": #""IPv4""#,
                "remote_ip_prefix": #""0.0.0.0/0""#,
            ]
            let text = fields.merging([field: value]) { $1 }.map { "\"\($0)\":\($1)" }.joined(separator: ",")
            let answer = try await api.call(.post, "\(machine)/sg-rules", "{\(text)}")
            #expect(answer.status == .badRequest)
            #expect(answer.error?.message.hasPrefix("\(field):") == true, "\(answer)")
        }
    }

    @Test("Rules for IPv6 take its networks, in whatever form, and the vendor's word for everything")
    func ipv6() async throws {
        try await TestAPI.with { api in
            let machine = "\(TestAPI.machines)/\(try #require(try await api.create().first).id)"
            func add(_ prefix: String) async throws -> APIAnswer {
                try await api.call(
                    .post,
                    "\(machine)/sg-rules",
                    #"{"direction":"ingress","protocol":"tcp","ethertype":"IPv6","remote_ip_prefix":"\#(prefix)"}"#
                )
            }
            let rule = try await add("2001:0DB8:0:0::/32").decoded(Answer<SecurityRuleBody>.self).content
            #expect((rule.ethertype, rule.remoteIPPrefix) == ("IPv6", "2001:db8::/32"))
            #expect(try await add("2001:db8::/32").status == .conflict)
            #expect(try await add("0.0.0.0/0").status == .ok)
            let mixed = try await add("10.0.0.0/8")
            #expect(mixed.status == .badRequest)
            #expect(mixed.error?.message.contains("no IPv6 network") == true, "\(mixed)")
        }
    }
}
