// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("What a running guest is given and what is taken away, seen from outside (root)", .serialized)
struct NetworkChangeTests {
    @Test("Rules, firewalls and floating IPs come and go; what is still allowed goes on", .timeLimit(.minutes(6)))
    func changes() async throws {
        try await SystemCloud.with { cloud in
            let agent = try cloud.startAgent()
            let script = "#!/bin/sh\nsetsid nc -ll -p 8080 -e cat >/dev/null 2>&1 &\n"
            let machine = try await cloud.wait(for: try await cloud.create("web", userData: script), .active)
            try await cloud.login(machine)
            let ssh = try await Talk.overSSH(with: machine, in: cloud)
            try await eventually("the SSH session answers") { try await ssh.goesOn() }
            try await rules(cloud, machine, ssh)
            try await firewall(cloud, machine, ssh)
            #expect(try await agent.stop() == 0)
            let next = try await floatingIP(cloud, machine, ssh)
            try await ssh.end()
            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            #expect(try await next.stop() == 0)
        }
    }

    private static let rule = SecurityRuleRequest(
        direction: "ingress",
        protocol: "tcp",
        portRangeMin: 8080,
        portRangeMax: 8080
    )

    private func rules(_ cloud: SystemCloud, _ machine: InstanceBody, _ ssh: Talk) async throws {
        #expect(try await !reaches(cloud, machine))
        let rule = try await cloud.api.addSecurityRule(Self.rule, to: machine.id)
        try await eventually("the rule is in force") {
            try await cloud.api.instance(machine.id)?.securityRules.first { $0.id == rule.id }?.status == "SUCCESS"
        }
        let talk = try await Talk.over(8080, with: machine, in: cloud)
        try await eventually("the open port answers") { try await talk.goesOn() }
        try await cloud.api.removeSecurityRule(rule.id, of: machine.id)
        try await eventually("the port is closed") { try await !reaches(cloud, machine) }
        #expect(try await !talk.goesOn(), "nothing allows this connection any more")
        #expect(try await ssh.goesOn(), "this one is still allowed")
        try await talk.end()
    }

    private func firewall(_ cloud: SystemCloud, _ machine: InstanceBody, _ ssh: Talk) async throws {
        let firewall = try await cloud.api.createFirewall(
            CreateFirewallRequest(name: "web", environmentID: machine.environment.id)
        )
        let rule = try await cloud.api.addFirewallRule(Self.rule, to: firewall.id)
        try await cloud.api.setFirewalls([firewall.id], of: machine.id)
        try await eventually("the firewall is in force") {
            try await cloud.api.firewall(firewall.id).attachments.map(\.status) == ["SUCCESS"]
        }
        #expect(try await reaches(cloud, machine))
        try await cloud.api.removeFirewallRule(rule.id, of: firewall.id)
        try await eventually("the port is closed again") { try await !reaches(cloud, machine) }
        #expect(try await ssh.goesOn())
    }

    /// With the host's agent down at first, so that nobody can confirm anything.
    private func floatingIP(_ cloud: SystemCloud, _ machine: InstanceBody, _ ssh: Talk) async throws -> ProgramProcess {
        let old = try #require(machine.floatingIP)
        try await cloud.api.detachFloatingIP(from: machine.id)
        #expect(try await cloud.api.instance(machine.id)?.floatingIPStatus == "DETACHING")
        #expect(try await ssh.goesOn(), "the host still answers for the address")
        #expect(try await isClaimed(old, cloud))
        let agent = try cloud.startAgent()
        try await eventually("the address is free") { try await !isClaimed(old, cloud) }
        #expect(try await !cloud.hosts[0].exec("ip", "-4", "address", "show", "dev", "gantry-fip").contains(old))
        #expect(try await !ssh.goesOn())
        #expect(try await cloud.ssh(machine, "true") == nil)
        let without = try #require(try await cloud.api.instance(machine.id))
        #expect((without.floatingIP, without.status) == (nil, "ACTIVE"))
        try await cloud.api.attachFloatingIP(to: machine.id)
        let with = try await eventually("another address is attached") {
            let now = try await cloud.api.instance(machine.id)
            return now?.floatingIPStatus == "ATTACHED" ? now : nil
        }
        #expect(try await cloud.ssh(with, "hostname") == "web")
        return agent
    }

    private func reaches(_ cloud: SystemCloud, _ machine: InstanceBody) async throws -> Bool {
        let address = try #require(machine.floatingIP)
        return try await cloud.outside("socat", "-u", "OPEN:/dev/null", "TCP:\(address):8080,connect-timeout=2").status
            == 0
    }

    private func isClaimed(_ address: String, _ cloud: SystemCloud) async throws -> Bool {
        try await cloud.database.read { transaction in
            try
                !transaction.query(
                    "SELECT FROM floating_ip WHERE address = \(address)::inet AND vm_id IS NOT NULL"
                )
                .isEmpty
        }
    }
}
