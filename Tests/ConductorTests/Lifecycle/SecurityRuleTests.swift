// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Postgres
import Testing

@Suite("Rules come to a machine and go, and are in force when its node says so")
struct SecurityRuleTests {
    private func rule(_ port: UInt16) throws -> SecurityRule {
        SecurityRule(
            direction: .ingress,
            etherType: .ipv4,
            protocol: "tcp",
            remote: try IPPrefix("0.0.0.0/0"),
            ports: port...port
        )
    }

    private func add(
        _ rule: SecurityRule,
        _ cloud: Cloud,
        _ machine: VirtualMachineRecord
    ) async throws
        -> VirtualMachineRecord.Rule
    {
        try await cloud.lifecycle.addSecurityRule(rule, to: machine.id, in: cloud.organization, by: cloud.user)
    }

    private func isApplied(_ id: SecurityRuleID, _ cloud: Cloud, _ machine: VirtualMachineRecord) async throws -> Bool?
    {
        guard let now = try await cloud.now(machine) else { return nil }
        return now.securityRules.first { $0.id == id }.map { now.hasApplied($0) }
    }

    @Test("A new rule is in the task, pending until its generation is applied, and older ones stay applied")
    func life() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            let old = try await cloud.task(machine)
            let added = try await add(try rule(22), cloud, machine)
            #expect(try await cloud.task(machine).spec?.securityRules.last == added.rule)
            #expect(try await cloud.now(machine)?.status == .active)
            try await node.report([old.done()])
            #expect(try await isApplied(added.id, cloud, machine) == false)
            try await node.report([cloud.task(machine).done(fault: Fault(.hostCommandFailed, "No."))])
            #expect(try await isApplied(added.id, cloud, machine) == false)
            #expect(try await cloud.now(machine)?.securityRules.filter { $0.id != added.id }.count == 2)
            for rule in try #require(try await cloud.now(machine)).securityRules where rule.id != added.id {
                #expect(try await isApplied(rule.id, cloud, machine) == true)
            }
            try await node.converge()
            #expect(try await isApplied(added.id, cloud, machine) == true)
            let before = try await cloud.now(machine)?.generation
            try await cloud.lifecycle.removeSecurityRule(
                added.id,
                of: machine.id,
                in: cloud.organization,
                by: cloud.user
            )
            #expect(try await cloud.now(machine)?.generation == before?.next)
            #expect(try await cloud.task(machine).spec?.securityRules.contains(added.rule) == false)
        }
    }

    @Test("Each change is told once when it is in force; one that the node could not make is told as failed before")
    func outcomes() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne(cloud.request(callingBack: "https://example.com/"))
            try await node.converge()
            let first = try await add(rule(22), cloud, machine)
            _ = try await add(rule(80), cloud, machine)
            try await node.converge()
            try await node.converge()
            try await cloud.lifecycle.removeSecurityRule(first.id, of: machine.id, in: cloud.organization, by: nil)
            for words in ["No.", "Still no."] {
                try await node.report([cloud.task(machine).done(fault: Fault(.hostNetworkFailed, words))])
            }
            try await node.converge()
            let events = try await cloud.store.events(of: machine.id, in: cloud.organization) ?? []
            #expect(
                events.map(\.reason).filter { $0.contains("SecurityRule") } == [
                    "AttachSecurityRuleToInstanceRequest", "AttachSecurityRuleToInstanceRequest",
                    "AttachSecurityRuleToInstanceSuccess", "AttachSecurityRuleToInstanceSuccess",
                    "DetachSecurityRuleToInstanceRequest", "DetachSecurityRuleToInstanceFailed",
                    "DetachSecurityRuleToInstanceSuccess",
                ]
            )
            #expect(events.contains { $0.message == "Security rule \(first.id): No." })
            let told = try await cloud.deliveries().map { "\($0.operation) \($0.status)" }
            #expect(
                told.filter { $0.contains("SecurityRule") } == [
                    "attachSecurityRule SUCCESS", "attachSecurityRule SUCCESS", "detachSecurityRule FAILED",
                    "detachSecurityRule SUCCESS",
                ]
            )
            #expect(
                try await cloud.number(
                    "SELECT count(*) AS number FROM callback_delivery WHERE resource_status IN ('ACTIVE', 'ERROR')"
                ) == 4
            )
        }
    }

    @Test("A rule for IPv6 is kept with its network and in the task as it was asked for")
    func ipv6() async throws {
        try await Cloud.with { cloud in
            _ = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            for text in ["2001:db8::/32", "::/0", "::ffff:192.0.2.0/120", "2001:db8::1/128"] {
                let rule = SecurityRule(
                    direction: .ingress,
                    etherType: .ipv6,
                    protocol: "tcp",
                    remote: try IPPrefix(text),
                    ports: 22...22
                )
                let added = try await add(rule, cloud, machine)
                #expect(try await cloud.now(machine)?.securityRules.first { $0.id == added.id }?.rule == rule)
                #expect(try await cloud.task(machine).spec?.securityRules.last == rule)
                await #expect(throws: ResourceRefusal.self) { _ = try await add(rule, cloud, machine) }
            }
        }
    }

    @Test("Of one rule added many times at once there is one, and of too many as many as there may be")
    func limits() async throws {
        try await Cloud.with { cloud in
            _ = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            let same = try rule(22)
            let reasons = await withTaskGroup { group in
                for _ in 0..<6 {
                    group.addTask { () -> ResourceRefusal.Reason? in
                        do {
                            _ = try await add(same, cloud, machine)
                            return nil
                        } catch {
                            return (error as? ResourceRefusal)?.reason
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(reasons.count { $0 == nil } == 1)
            #expect(reasons.count { $0 == .taken } == 5)
            try await cloud.execute(
                """
                INSERT INTO security_rule (vm_id, direction, ethertype, protocol, remote, port_min, port_max)
                SELECT \(machine.id), 'ingress', 'IPv4', 'udp', '0.0.0.0/0', n, n FROM generate_series(1, 99) n
                """
            )
            let refusal = await #expect(throws: ResourceRefusal.self) { try await add(rule(80), cloud, machine) }
            #expect(refusal?.reason == .invalid)
            #expect(try await cloud.number("SELECT count(*) AS number FROM security_rule") == 102)
            try await cloud.perform(.delete, machine)
            let late = await #expect(throws: MachineRefusal.self) { try await add(rule(81), cloud, machine) }
            #expect(late?.reason == .conflict)
        }
    }
}
