// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HostScenario
import SimulatedHost
import Testing

@Suite("The simulated host does as a real one does (root)", .serialized)
struct HostScenarioTests {
    @Test("The same steps, faults and guest's doings are seen on both", .timeLimit(.minutes(5)))
    func same() async throws {
        try await withTemporaryDirectory { folder in
            let image = try await TestImage.idle(in: folder)
            let task = try task(image)
            let real = try await onLinux(task, folder)
            let simulated = try await onSimulation(task)
            try simulated.joined(separator: "\n")
                .write(toFile: "\(folder)/simulated", atomically: true, encoding: .utf8)
            let difference = try await run("diff", ["-y", "-W", "160", "-", "\(folder)/simulated"], input: real)
            #expect(difference.status == 0, "real on the left, simulated on the right:\n\(difference.text)")
            #expect(simulated.contains { $0.hasPrefix("shutDown happened: shut down at") })
        }
    }

    private func task(_ image: TestImage) throws -> MachineTask {
        let subnet = try Subnet("10.3.0.0/24")
        return MachineTask(
            node: try NodeName("n1"),
            machineID: VirtualMachineID(7),
            uuid: MachineUUID(),
            generation: Generation(1),
            power: .running,
            bootCounter: 1,
            spec: MachineSpec(
                name: "scenario",
                hostname: "scenario",
                resources: Resources(vcpus: 1, memoryMiB: 64, diskGiB: 1),
                image: ImageSource(
                    name: "idle",
                    url: "file://\(image.path)",
                    sha256: try SHA256Digest(image.sha256),
                    format: .qcow2
                ),
                authorizedKeys: [],
                userData: nil,
                network: NetworkAttachment(
                    environmentID: EnvironmentID(3),
                    subnet: subnet,
                    address: subnet[7],
                    mac: try MACAddress("02:00:00:00:00:07"),
                    floatingIP: nil
                ),
                securityRules: [],
                gpus: []
            )
        )
    }

    private func onLinux(_ task: MachineTask, _ folder: String) async throws -> String {
        let tag = String(UInt32.random(in: 0...UInt32.max), radix: 36)
        let host = try TestHost(name: "gth-\(tag)", folder: "\(folder)/host")
        let result: Result<String, any Error>
        do {
            try await host.up()
            let program = Repository.path(".build/debug/linux-host-scenario")
            let json = String(decoding: try NodeJSON.encoder.encode(task), as: UTF8.self)
            result = .success(try await host.exec(program, "\(folder)/host/agent", json))
        } catch {
            result = .failure(error)
        }
        try await host.down()
        return try result.get().trimmingCharacters(in: .newlines)
    }

    private func onSimulation(_ task: MachineTask) async throws -> [String] {
        let host = SimulatedHost()
        var scenario = HostScenario(host, task) { event in
            let state: ObservedDomain.State =
                switch event {
                case .shutDown: .shutDown
                case .crash: .crashed
                case .unplug: .off
                case .hold: .paused("")
                }
            await host.guest(task.uuid, becomes: state)
        }
        let seen = try await scenario.run()
        #expect(await host.holdings == [])
        return seen
    }
}
