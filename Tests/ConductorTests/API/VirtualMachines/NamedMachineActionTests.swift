// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Every operation on a machine is there by name and by label")
struct NamedMachineActionTests {
    private static let environment = "\(TestAPI.machines)/default"
    private static let rule =
        #"{"direction":"ingress","ethertype":"IPv4","protocol":"tcp","remote_ip_prefix":"0.0.0.0/0"}"#

    /// Runs a test with two machines that are ACTIVE and have the label `blue`.
    private func with(_ body: @Sendable (TestAPI, [InstanceBody]) async throws -> Void) async throws {
        try await TestAPI.with { api in
            let node = try await SpeakingNode("two", in: api.cloud)
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true WHERE name = 'one'")
            let machines = try await api.create(["name": "web", "count": 2, "labels": ["blue"]])
            try await node.converge()
            try await body(api, machines)
        }
    }

    private func show(_ api: TestAPI, _ name: String) async throws -> InstanceBody {
        try await api.call(.get, "\(Self.environment)/\(name)").decoded(InstanceAnswer.self).instance
    }

    @Test("The API's description has no operation by id alone")
    func complete() throws {
        let operations = try OpenAPIContract.shared.get().operations
        let prefix = "\(TestAPI.machines)/{id}"
        for operation in operations.filter({ $0.contains(" \(prefix)") && !$0.contains("\(prefix)/{name}") }) {
            #expect(operations.contains(operation.replacing(prefix, with: "\(prefix)/{name}")), "\(operation)")
        }
    }

    @Test("A rule is added and removed by name, and added by label with a result for each machine")
    func rules() async throws {
        try await with { api, _ in
            let path = "\(Self.environment)/web-1/sg-rules"
            let added = try await api.call(.post, path, Self.rule).decoded(Answer<SecurityRuleBody>.self)
            #expect(added.message == "Security Rule created successfully")
            #expect(try await show(api, "web-1").securityRules.map(\.id).contains(added.content.id))
            // The rule of one machine is none of the other, and one that is there is not added again.
            #expect(
                try await api.call(.delete, "\(Self.environment)/web-2/sg-rules/\(added.content.id)").status
                    == .notFound
            )
            let both = try await api.call(.post, "\(Self.environment)/blue/sg-rules", Self.rule)
            let results = try both.decoded(MachineResultsAnswer.self)
            #expect(results.results.map(\.errorReason) == ["already_exist", nil], "\(both)")
            #expect(results.results[1].message.hasPrefix("Security Rule created successfully; id "))
            #expect(try await api.call(.delete, "\(path)/\(added.content.id)").status == .ok)
            #expect(try await !show(api, "web-1").securityRules.map(\.id).contains(added.content.id))
            #expect(try await show(api, "web-2").securityRules.count == 3)
        }
    }

    @Test("Floating IPs come and go")
    func floatingIPs() async throws {
        try await with { api, _ in
            let one = try await api.call(.post, "\(Self.environment)/web-1/attach-floatingip")
            #expect(try one.decoded(StatusBody.self).message == "A Public IP will be assigned to VM web-1.")
            #expect(try await show(api, "web-1").floatingIP != nil)
            let both = try await api.call(.post, "\(Self.environment)/blue/attach-floatingip")
            #expect(try both.decoded(MachineResultsAnswer.self).results.map(\.status) == [false, true])
            let gone = try await api.call(.post, "\(Self.environment)/blue/detach-floatingip")
            #expect(try gone.decoded(MachineResultsAnswer.self).status)
            #expect(try await show(api, "web-2").floatingIPStatus == "DETACHING")
        }
    }

    @Test("Callbacks are attached, changed and deleted")
    func callbacks() async throws {
        try await with { api, _ in
            func body(_ number: Int) -> String { #"{"url":"https://example.com/\#(number)"}"# }
            let one = try await api.call(.post, "\(Self.environment)/web-1/attach-callback", body(1))
            #expect(try one.decoded(AttachCallbackAnswer.self).url == "https://example.com/1")
            let both = try await api.call(.post, "\(Self.environment)/blue/attach-callback", body(2))
            #expect(try both.decoded(MachineResultsAnswer.self).results.map(\.status) == [false, true])
            let updated = try await api.call(.put, "\(Self.environment)/blue/update-callback", body(3))
            #expect(try updated.decoded(MachineResultsAnswer.self).status)
            #expect(try await show(api, "web-1").callbackURL == "https://example.com/3")
            #expect(try await api.call(.delete, "\(Self.environment)/blue/delete-callback").status == .ok)
            #expect(try await show(api, "web-2").callbackURL == nil)
        }
    }

    @Test("Firewalls are set")
    func firewalls() async throws {
        try await with { api, machines in
            let body = #"{"name":"x","environment_id":\#(api.cloud.environment)}"#
            let firewall = try await api.call(.post, "/v1/core/firewalls", body).decoded(Answer<FirewallBody>.self)
            let set = #"{"firewalls":[\#(firewall.content.id)]}"#
            let answer = try await api.call(.post, "\(Self.environment)/blue/attach-firewalls", set)
            #expect(try answer.decoded(MachineResultsAnswer.self).status)
            let shown = try await api.call(.get, "/v1/core/firewalls/\(firewall.content.id)")
            let attached = try shown.decoded(Answer<FirewallBody>.self).content.attachments.map(\.vm.id)
            #expect(Set(attached) == Set(machines.map(\.id)))
        }
    }

    @Test("A contract has no machines, since there are none")
    func contract() async throws {
        try await TestAPI.with { api in
            _ = try await api.create()
            let path = "\(TestAPI.machines)/contract/7/virtual-machines"
            let answer = try await api.call(.get, path).decoded(InstancesAnswer.self)
            #expect(answer.count == 0 && answer.instances.isEmpty)
            let own = try await api.call(.get, "\(TestAPI.machines)/contract/web/start")
            #expect(own.status == .notFound)
        }
    }
}
