// SPDX-License-Identifier: Apache-2.0

import Agent
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("An agent killed at any step leaves nothing behind and does nothing twice (root)", .serialized)
struct KillTests {
    @Test("A SIGKILL at every step of a create and of a delete", .timeLimit(.minutes(15)))
    func createAndDelete() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let deletions = Self.points(ConvergenceStep.delete)
            for (index, point) in Self.points(ConvergenceStep.create).enumerated() {
                let machine = try await Self.create(killedAt: point, in: cloud)
                try await Self.delete(machine, killedAt: deletions[index % deletions.count], in: cloud)
            }
            try await Auditor.expectNothingLeft(of: cloud)
        }
    }

    @Test("A SIGKILL at every step of undoing a create that failed", .timeLimit(.minutes(10)))
    func undoing() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let path = cloud.folder + "/huge"
            try await shell("qemu-img", "create", "-q", "-f", "qcow2", path, "100G")
            try await cloud.addImage("huge", url: "file://\(path)", sha256: TestImage.digest(of: path))
            for point in Self.points(ConvergencePlan.tearDown.stages.flatMap { $0 }) {
                let doomed = try cloud.startAgent(killAt: point)
                let machine = try await cloud.create("undone-at-\(point)", image: "huge")
                try await Self.end(of: doomed, at: point)
                let agent = try cloud.startAgent()
                let failed = try await cloud.wait(for: machine, .error)
                #expect(failed.fault?.code == Fault.Code.imageTooLarge.rawValue, "after a kill at \(point)")
                try await eventually("nothing but the journal is left after a kill at \(point)") {
                    try await Auditor.leftovers(on: cloud.hosts[0]).filter { !$0.hasPrefix("journal/") }.isEmpty
                }
                try await cloud.remove(machine)
                try await Auditor.expectNothingLeft(of: cloud)
                try await agent.kill()
            }
        }
    }

    @Test(
        "A disk that a guest has had stays, though the agent died at its start and cannot go on",
        .timeLimit(.minutes(10))
    )
    func disk() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let host = cloud.hosts[0]
            let doomed = try cloud.startAgent(killAt: "start:after")
            let machine = try await cloud.create("kept")
            try await Self.end(of: doomed, at: "start:after")
            try await cloud.expectBoots(1, of: machine)
            // Meanwhile the guest ends, and the image goes from its source and from the host.
            try await host.exec("virsh", "-q", "destroy", cloud.domain(machine))
            try await shell("mv", cloud.image.path, cloud.image.path + ".away")
            try await host.exec("rm", "\(host.agentFolder)/images/\(cloud.image.sha256)")
            let agent = try cloud.startAgent()
            let failed = try await cloud.wait(for: machine, .error)
            #expect(failed.fault?.code == Fault.Code.imageMissing.rawValue)
            let disk = try await "\(host.agentFolder)/machines/\(cloud.uuid(machine))/disk.qcow2"
            try await host.exec("test", "-e", disk)

            try await shell("mv", cloud.image.path + ".away", cloud.image.path)
            try await cloud.api.perform(.hardReboot, on: machine.id)
            try await cloud.wait(for: machine, .active)
            try await cloud.expectBoots(2, of: machine)
            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            try await agent.kill()
        }
    }

    @Test(
        "A SIGKILL at every step of a stop, a start and a reboot: each boots the guest once",
        .timeLimit(.minutes(10))
    )
    func powerChanges() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let builder = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("power"), .active)
            try await builder.kill()
            try await cloud.expectBoots(1, of: machine)
            var boots = 1
            for (stop, start) in zip(Self.points([.shutDown, .settle]), Self.points([.define, .start])) {
                try await cloud.api.perform(.stop, on: machine.id)
                try await Self.killAndGoOn(at: stop, in: cloud) { try await cloud.wait(for: machine, .shutoff) }
                try await cloud.api.perform(.start, on: machine.id)
                try await Self.killAndGoOn(at: start, in: cloud) { try await cloud.wait(for: machine, .active) }
                boots += 1
                try await cloud.expectBoots(boots, of: machine)
            }
            for point in Self.points([.destroy, .define, .start, .settle]) {
                try await cloud.api.perform(.hardReboot, on: machine.id)
                try await Self.killAndGoOn(at: point, in: cloud) { try await cloud.wait(for: machine, .active) }
                boots += 1
                try await cloud.expectBoots(boots, of: machine)
            }
            try await Auditor.expectOnly([cloud.domain(machine)], on: cloud.hosts[0])
            let last = try cloud.startAgent()
            try await cloud.remove(machine)
            try await Auditor.expectNothingLeft(of: cloud)
            try await last.kill()
        }
    }

    /// Where an agent can be killed: before and after each step.
    private static func points(_ steps: [ConvergenceStep]) -> [String] {
        steps.flatMap { step in StepObserver.Edge.allCases.map { "\(step.rawValue):\($0.rawValue)" } }
    }

    private static func create(killedAt point: String, in cloud: SystemCloud) async throws -> InstanceBody {
        let doomed = try cloud.startAgent(killAt: point)
        let machine = try await cloud.create("killed-at-\(point)")
        try await end(of: doomed, at: point)
        let agent = try cloud.startAgent()
        let active = try await cloud.wait(for: machine, .active)
        try await Auditor.expectOnly([cloud.domain(machine)], on: cloud.hosts[0])
        try await agent.kill()
        return active
    }

    private static func delete(_ machine: InstanceBody, killedAt point: String, in cloud: SystemCloud) async throws {
        try await cloud.api.deleteInstance(machine.id)
        try await killAndGoOn(at: point, in: cloud) {
            try await cloud.waitUntilGone(machine)
            try await eventually("nothing is left after a kill at \(point)") {
                try await Auditor.leftovers(on: cloud.hosts[0]).isEmpty
            }
        }
    }

    /// Has an agent that dies at a point do what is wanted, and another go on.
    private static func killAndGoOn(
        at point: String,
        in cloud: SystemCloud,
        _ goOn: () async throws -> Void
    ) async throws {
        try await end(of: cloud.startAgent(killAt: point), at: point)
        let agent = try cloud.startAgent()
        try await goOn()
        try await agent.kill()
    }

    private static func end(of doomed: ProgramProcess, at point: String) async throws {
        try await eventually("the agent is killed at \(point)") { !doomed.isRunning }
        try await doomed.end()
    }
}

extension SystemCloud {
    /// Starts an agent that ends itself by SIGKILL when it comes to a point.
    fileprivate func startAgent(killAt point: String) throws -> ProgramProcess {
        try startAgent(0, ["GANTRY_TEST_KILL_AT": point])
    }
}
