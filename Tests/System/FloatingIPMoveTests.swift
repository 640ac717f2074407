// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A floating IP moves between guests of two hosts, seen from outside (root)", .serialized)
struct FloatingIPMoveTests {
    @Test(
        "The address answers from the other guest within ten seconds, connections end, and it waits for a host that is away",
        .timeLimit(.minutes(6))
    )
    func move() async throws {
        try await SystemCloud.with(hosts: 2) { cloud in
            let agents = [try cloud.startAgent(0), try cloud.startAgent(1)]
            let web = try await create("web", apartFrom: "node-1", cloud)
            let spare = try await create("spare", apartFrom: "node-0", cloud)
            try await giveUpOwnAddress(spare, cloud)
            let talk = try await Talk.overSSH(with: web, in: cloud)
            try await eventually("the SSH session answers") { try await talk.goesOn() }
            try await moveNow(web, to: spare, cloud)
            #expect(try await !talk.goesOn(), "its connection ended with the move")
            try await talk.end()
            #expect(try await agents[1].stop() == 0)
            let next = try await moveWhileAway(spare, to: web, cloud)
            for machine in [web, spare] { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            for agent in [agents[0], next] { #expect(try await agent.stop() == 0) }
        }
    }

    private func create(_ name: String, apartFrom node: String, _ cloud: SystemCloud) async throws -> InstanceBody {
        try await cloud.cordon(node)
        let machine = try await cloud.wait(for: try await cloud.create(name), .active)
        #expect(try await cloud.login(machine, "hostname") == name)
        return machine
    }

    private func giveUpOwnAddress(_ machine: InstanceBody, _ cloud: SystemCloud) async throws {
        try await cloud.api.detachFloatingIP(from: machine.id)
        try await eventually("the address is given up") {
            try await cloud.api.instance(machine.id)?.floatingIPStatus == "NO FLOATING IP"
        }
    }

    private func moveNow(_ old: InstanceBody, to new: InstanceBody, _ cloud: SystemCloud) async throws {
        let address = try #require(old.floatingIP)
        let start = ContinuousClock.now
        try await cloud.api.moveFloatingIP(address, to: new.id)
        try await eventually("the address answers from \(new.name)", timeout: .seconds(10)) {
            try await answers(address, new, cloud)
        }
        print("A floating IP that moved between hosts answered after \(ContinuousClock.now - start).")
        for _ in 0..<3 { #expect(try await cloud.ssh(old, "hostname") == new.name) }
        #expect(try await !cloud.hosts[0].exec("ip", "-4", "address", "show", "dev", "gantry-fip").contains(address))
        let left = try #require(try await cloud.api.instance(old.id))
        #expect((left.floatingIP, left.floatingIPStatus, left.status) == (nil, "NO FLOATING IP", "ACTIVE"))
    }

    /// The host that has to give the address up has no agent at first, so that it still answers.
    private func moveWhileAway(
        _ old: InstanceBody,
        to new: InstanceBody,
        _ cloud: SystemCloud
    ) async throws -> ProgramProcess {
        let address = try #require(try await cloud.api.instance(old.id)?.floatingIP)
        try await cloud.api.moveFloatingIP(address, to: new.id)
        let states = try await [cloud.api.instance(old.id), cloud.api.instance(new.id)].map { $0?.floatingIPStatus }
        #expect(states == ["DETACHING", "ATTACHING"])
        let waiting = try #require(try await cloud.api.instance(new.id))
        #expect(try await cloud.ssh(waiting, "hostname") == old.name)
        #expect(try await !cloud.hosts[0].exec("ip", "-4", "address", "show", "dev", "gantry-fip").contains(address))
        let agent = try cloud.startAgent(1)
        try await eventually("the address answers from \(new.name) again", timeout: .seconds(30)) {
            try await answers(address, new, cloud)
        }
        return agent
    }

    private func answers(_ address: String, _ machine: InstanceBody, _ cloud: SystemCloud) async throws -> Bool {
        guard let now = try await cloud.api.instance(machine.id), now.floatingIPStatus == "ATTACHED",
            now.floatingIP == address
        else { return false }
        return try await cloud.ssh(now, "hostname") == machine.name
    }
}
