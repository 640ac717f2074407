// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import SimulatedFleet
import SimulatedHost
import Testing

@Suite("Nodes are taken out of service, and come back")
struct NodeServiceTests {
    private func movable(_ name: String, _ cloud: SimulatedCloud) async throws -> InstanceBody {
        var request = cloud.request(name)
        request.createBootableVolume = true
        return try await cloud.wait(for: cloud.create(request)[0], .active)
    }

    private func node(_ line: String, _ cloud: SimulatedCloud) async throws -> CommandOutput {
        try await cloud.gantry(["node"] + line.split(separator: " ").map(String.init), as: cloud.operatorKey)
    }

    /// The hosts on which a machine's guest runs.
    private func places(_ machine: InstanceBody, _ cloud: SimulatedCloud) async throws -> [Int] {
        let uuid = try await cloud.uuid(machine)
        var places: [Int] = []
        for index in 0..<2 where await cloud.fleet.host(of: index).machines[uuid]?.domain?.state == .running {
            places.append(index)
        }
        return places
    }

    @Test("A drain moves what can be moved, names what stays, and waits until that is done", .timeLimit(.minutes(3)))
    func drain() async throws {
        try await SimulatedCloud.with(nodes: 2, sharesPool: true) { cloud in
            #expect(try await node("cordon sim-1 --reason later", cloud).status == 0)
            let web = try await movable("web", cloud)
            let rooted = try await cloud.wait(for: cloud.create("rooted"), .active)
            #expect(try await places(web, cloud) == [0])
            #expect(try await node("uncordon sim-1", cloud).status == 0)

            let drained = try await node("drain sim-0 --policy move --reason fans --wait", cloud)
            #expect(drained.status == 0, "\(drained)")
            #expect(drained.text.contains("sim-0 is drained."), "\(drained)")
            #expect(drained.text.contains("rooted (\(rooted.id)) stays: its root disk is on the node"), "\(drained)")
            #expect(drained.errorText.contains("sim-0: draining (move): 1 left, 1 staying"), "\(drained)")
            try await cloud.wait(for: web, .active)
            #expect(try await places(web, cloud) == [1])
            #expect(try await places(rooted, cloud) == [0])
            let shown = try await node("show sim-0", cloud).text
            #expect(shown.contains("sim-0: up, drained") && shown.contains("its root disk is on the node"), "\(shown)")

            #expect(try await node("drain sim-0 --policy stop --reason fans --wait", cloud).status == 0)
            #expect(try await cloud.api.instance(rooted.id)?.status == "SHUTOFF")
            #expect(try await places(rooted, cloud) == [])
            #expect(try await node("uncordon sim-0", cloud).status == 0)
            #expect(try await node("drain sim-0 --policy away --reason fans", cloud).status == 64)
        }
    }

    @Test(
        "The machines of a node that was declared dead run elsewhere; it ends its copies before it is used again",
        .timeLimit(.minutes(3))
    )
    func declareDead() async throws {
        try await SimulatedCloud.with(nodes: 2, sharesPool: true) { cloud in
            #expect(try await node("cordon sim-1 --reason later", cloud).status == 0)
            let web = try await movable("web", cloud)
            let rooted = try await cloud.wait(for: cloud.create("rooted"), .active)
            let deleted = try await cloud.wait(for: cloud.create("deleted"), .active)
            #expect(try await node("uncordon sim-1", cloud).status == 0)
            let early = try await node("declare-dead sim-0 --fenced-by hope --confirm sim-0", cloud)
            #expect(early.status == 1 && early.errorText.contains("so it is not dead"), "\(early)")

            // As a host that only lost its network: its guests run on, whatever the operator says.
            await cloud.fleet.connect(0, false)
            try await eventually("it is silent") {
                try await node("list", cloud).text.contains("sim-0  TestRegion  silent")
            }
            let unsure = try await node("declare-dead sim-0 --fenced-by hope --confirm sim-1", cloud)
            #expect(unsure.status == 1 && unsure.errorText.contains("it has to be the node's name, sim-0"), "\(unsure)")
            #expect(try await node("declare-dead sim-0 --fenced-by IPMI --confirm sim-0", cloud).status == 0)
            try await cloud.wait(for: web, .active)
            #expect(try await cloud.api.instance(rooted.id)?.fault?.code == "node_dead")
            try await cloud.api.deleteInstance(deleted.id)
            try await eventually("it is gone") { try await cloud.api.instance(deleted.id) == nil }
            #expect(try await places(web, cloud) == [0, 1])
            let dead = try await node("show sim-0", cloud).text
            #expect(dead.contains("sim-0: dead") && dead.contains("fenced by    IPMI"), "\(dead)")

            await cloud.fleet.connect(0, true)
            try await eventually("it is used again") {
                try await node("list", cloud).text.contains("sim-0  TestRegion  up  ")
            }
            #expect(try await places(web, cloud) == [1])
            #expect(try await places(deleted, cloud) == [])
            try await cloud.wait(for: rooted, .active)
            #expect(try await places(rooted, cloud) == [0])
            let held = await cloud.fleet.host(of: 0)
            #expect(await held.machines.values.filter { !$0.isEmpty }.count == 1)
            let addresses = await [held.floatingIPs, cloud.fleet.host(of: 1).floatingIPs]
            #expect(addresses.map(\.count) == [1, 1] && addresses[0] != addresses[1])
        }
    }
}
