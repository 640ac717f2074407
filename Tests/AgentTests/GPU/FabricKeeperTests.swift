// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

/// These are about the agent's side: Fabric Manager is a stand-in, `Fixtures/fmpm`.
@Suite("A machine's GPUs are connected before it starts, and cut off before another gets one", .timeLimit(.minutes(2)))
struct FabricKeeperTests {
    private let machine: MachineUUID
    private let other: MachineUUID

    init() throws {
        (machine, other) = (try MachineUUID(Example.uuid), try MachineUUID("00000000-0000-4000-8000-000000000008"))
    }

    /// Cleans units, as the conductor asks for units that no machine has.
    private func clean(_ gpus: [GPUAssignment], _ keeper: GPUKeeper, claim: Int64) async {
        for gpu in gpus { _ = await keeper.clean(UncleanGPU(address: gpu.address, claim: claim)) }
    }

    private func inventory(_ gpu: GPUAssignment, _ keeper: GPUKeeper) async throws -> GPUInventory {
        try #require(try await keeper.inventory().first { $0.address == gpu.address })
    }

    @Test("Its partition is active from its first start until its units are cleaned, whatever comes twice")
    func life() async throws {
        try await FabricHost.with { host in
            let (keeper, all) = (try host.keeper(), try host.assignments(Array(1...8), claim: 2))
            await clean(all, keeper, claim: 1)
            #expect(host.changes.isEmpty)
            let pair = try host.assignments([3, 1], claim: 2)
            try await keeper.bind(pair, to: machine)
            try await keeper.bind(pair, to: machine)
            #expect((host.active, host.changes) == ([3], ["-a 3"]))
            try await keeper.bind(try host.assignments([5, 6, 7, 8], claim: 2), to: other)
            #expect(host.active == [2, 3])
            await clean(pair, keeper, claim: 2)
            await clean(pair, keeper, claim: 2)
            #expect((host.active, host.changes.last) == ([2], "-d 3"))
            #expect(try await inventory(pair[0], keeper).condition == .ready)
            #expect(try await inventory(pair[0], keeper).claim == 2)
        }
    }

    @Test("After the host's boot it is active again before the guest starts")
    func boot() async throws {
        try await FabricHost.with { host in
            let pair = try host.assignments([1, 3], claim: 2)
            await clean(pair, try host.keeper(), claim: 1)
            try await host.keeper().bind(pair, to: machine)
            try host.boot()
            try await host.keeper().bind(pair, to: machine)
            #expect((host.active, host.changes) == ([3], ["-a 3", "-a 3"]))
        }
    }

    @Test("Units that are no partition, or of which another partition is active, are not given")
    func refusals() async throws {
        try await FabricHost.with { host in
            let keeper = try host.keeper()
            await clean(try host.assignments(Array(1...8), claim: 1), keeper, claim: 1)
            for modules in [[1, 2], [1, 3, 2], [1, 2, 3, 4, 5]] {
                let fault = await #expect(throws: Fault.self) {
                    try await keeper.bind(try host.assignments(modules, claim: 2), to: machine)
                }
                #expect(fault?.code == .hostGPUUnavailable && fault?.message.contains("0000:") == false)
            }
            await clean(try host.assignments([1, 2, 3, 4, 5], claim: 2), keeper, claim: 2)
            // By hand, say.
            try await host.command.activate(1)
            await #expect(throws: Fault.self) {
                try await keeper.bind(try host.assignments([2], claim: 3), to: machine)
            }
            #expect(host.active == [1])
            // It is cleaned before the next, which ends what connects it to others.
            await clean(try host.assignments([2], claim: 3), keeper, claim: 3)
            try await keeper.bind(try host.assignments([2], claim: 4), to: machine)
            #expect(host.active == [8])
        }
    }

    @Test("A command that fails without effect is a fault; one whose answer is lost is not", arguments: ["-2", "lost"])
    func failedActivation(_ trouble: String) async throws {
        try await FabricHost.with { host in
            let (keeper, pair) = (try host.keeper(), try host.assignments([1, 3], claim: 2))
            await clean(pair, keeper, claim: 1)
            try host.disturb("-a \(trouble)")
            if trouble != "lost" {
                await #expect(throws: Fault.self) { try await keeper.bind(pair, to: machine) }
                #expect(try await inventory(pair[0], keeper).condition == .busy)
            }
            try await keeper.bind(pair, to: machine)
            #expect(host.active == [3])
        }
    }

    @Test("What cannot be cut off is faulty with the reason, and clean when it is tried again")
    func failedDeactivation() async throws {
        try await FabricHost.with { host in
            let (keeper, pair) = (try host.keeper(), try host.assignments([1, 3], claim: 2))
            await clean(pair, keeper, claim: 1)
            try await keeper.bind(pair, to: machine)
            try host.disturb("-d -2", "-d lost")
            await clean(Array(pair.prefix(1)), keeper, claim: 2)
            let unit = try await inventory(pair[0], keeper)
            #expect(unit.condition == .faulty && unit.reason?.contains("fmReturn: -2") == true, "\(unit)")
            #expect(host.active == [3])
            // The answer to the next is lost, and its effect is seen.
            await clean(Array(pair.prefix(1)), keeper, claim: 3)
            #expect(try await inventory(pair[0], keeper).condition == .ready)
            #expect(host.active.isEmpty)
        }
    }

    @Test("Nothing is cut off while a guest has a unit of the partition; it is asked again")
    func held() async throws {
        try await FabricHost.with { host in
            let (keeper, pair) = (try host.keeper(), try host.assignments([1, 3], claim: 2))
            await clean(pair, keeper, claim: 1)
            try await keeper.bind(pair, to: machine)
            try await host.withGuest(on: 3) { () async throws in
                await clean(Array(pair.prefix(1)), keeper, claim: 2)
                #expect(host.active == [3])
                #expect(try await inventory(pair[0], keeper).condition == .busy)
            }
            await clean(pair, keeper, claim: 2)
            #expect(host.active.isEmpty)
        }
    }

    @Test("A guest that runs on is told degraded when Fabric Manager was restarted, until it starts again")
    func restarted() async throws {
        try await FabricHost.with { host in
            let pair = try host.assignments([1, 3], claim: 2)
            await clean(pair, try host.keeper(), claim: 1)
            try await host.keeper().bind(pair, to: machine)
            try await host.withGuest(on: 3) { () async throws in
                #expect(try await inventory(pair[1], host.keeper()).reason == nil)
                try host.boot()
                let unit = try await inventory(pair[1], host.keeper())
                #expect(unit.condition == .busy && unit.reason?.contains("stop and start the VM") == true, "\(unit)")
            }
            // It is stopped.
            #expect(try await inventory(pair[1], host.keeper()).reason == nil)
            try await host.keeper().bind(pair, to: machine)
            try await host.withGuest(on: 3) { () async throws in
                #expect(try await inventory(pair[1], host.keeper()).reason == nil)
            }
        }
    }

    @Test("What is returned to the host's drivers is cut off first, so that it holds up no other unit")
    func returned() async throws {
        try await FabricHost.with { host in
            let (keeper, pair) = (try host.keeper(), try host.assignments([1, 3], claim: 2))
            await clean(pair, keeper, claim: 1)
            try await keeper.bind(pair, to: machine)
            let word = UncleanGPU(address: pair[0].address, claim: 2, isReturned: true)
            try await host.withGuest(on: 3) { () async throws in
                _ = await keeper.clean(word)
                #expect(host.active == [3])
            }
            #expect(await keeper.clean(word))
            #expect(host.active.isEmpty)
            try await host.withGuest(on: 1) { () async throws in
                await clean(Array(pair.suffix(1)), keeper, claim: 2)
                #expect(try await inventory(pair[1], keeper).condition == .ready)
            }
        }
    }

    @Test("While Fabric Manager is silent free units are faulty with the reason, machines' are not, and it passes")
    func silence() async throws {
        try await FabricHost.with { host in
            let all = try host.assignments(Array(1...8), claim: 1)
            let pair = try host.assignments([1, 3], claim: 2)
            await clean(all, try host.keeper(), claim: 1)
            let keeper = try host.keeper()
            try await keeper.bind(pair, to: machine)
            #expect(try await keeper.fabricPartitions().count == 15)
            try host.disturb(String(repeating: "-l -9\n", count: 3))
            // A cleaning looks anew, and cannot be done now.
            await clean(Array(all.suffix(1)), keeper, claim: 2)
            try host.disturb("-l -9")
            let silent = try host.keeper()
            let free = try await inventory(all[3], silent)
            #expect(free.condition == .faulty && free.reason?.contains("status 247") == true, "\(free)")
            #expect(try await inventory(pair[0], silent).reason == nil)
            #expect(try await silent.fabricPartitions().isEmpty)
            let again = try host.keeper()
            #expect(try await inventory(all[3], again).condition == .ready)
            #expect(try await inventory(all[7], again).condition == .busy)
            await clean(Array(all.suffix(1)), again, claim: 2)
            #expect(try await inventory(all[7], again).condition == .ready)
        }
    }

    @Test("An agent that ends in the middle leaves what the next one mends", arguments: DeadlyManager.Moment.allCases)
    func death(_ moment: DeadlyManager.Moment) async throws {
        for isWanted in [true, false] {
            try await FabricHost.with { host in
                let quad = try host.assignments([1, 2, 3, 4], claim: 2)
                await clean(quad, try host.keeper(), claim: 1)
                let manager = DeadlyManager(host.command, at: moment)
                let keeper = try host.keeper(manager)
                let isCleaning = [.beforeDeactivation, .afterDeactivation].contains(moment)
                if isCleaning { try await keeper.bind(quad, to: machine) }
                // It never ends, as nothing does of a process that is gone.
                Task {
                    if isCleaning { return await clean(quad, keeper, claim: 2) }
                    try await keeper.bind(quad, to: machine)
                }
                await manager.waitForDeath()
                let next = try host.keeper()
                #expect(try await inventory(quad[0], next).condition == .busy)
                if isWanted && !isCleaning {
                    try await next.bind(quad, to: machine)
                    #expect(host.active == [1])
                }
                await clean(quad, next, claim: 2)
                for gpu in quad { #expect(try await inventory(gpu, next).condition == .ready) }
                try await next.bind(try host.assignments([2, 4], claim: 3), to: other)
                #expect(host.active == [4])
            }
        }
    }

    @Test("A lost ledger leaves nothing connected that was not known to be a machine's")
    func lostLedger() async throws {
        try await FabricHost.with { host in
            let pair = try host.assignments([1, 3], claim: 2)
            await clean(pair, try host.keeper(), claim: 1)
            try await host.keeper().bind(pair, to: machine)
            try FileManager.default.removeItem(atPath: "\(host.root)/gantry/gpus.json")
            await clean(pair, try host.keeper(), claim: 3)
            #expect(host.active.isEmpty)
        }
    }
}
