// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Testing

@Suite("What a node says of its GPUs goes by its ledger, its hardware and the kernel's log")
struct GPUKeeperTests {
    @Test("What the kernel said before a unit was cleaned is over, also for the next agent; what it says later is not")
    func incidents() async throws {
        try await withRecordedHost("mi300x") { root in
            let log = "\(root)/kmsg"
            let line = ",1,-;pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: 0000:01:00.0\n"
            try "3,7\(line)".write(toFile: log, atomically: true, encoding: .utf8)
            try await clean(in: root, at: .init(boot: "first", number: 7))
            #expect(try await condition(in: root, log, "first") == .ready)
            // The log of another boot begins anew.
            #expect(try await condition(in: root, log, "second") == .faulty)
            try "3,7\(line)3,8\(line)".write(toFile: log, atomically: true, encoding: .utf8)
            #expect(try await condition(in: root, log, "first") == .faulty)
        }
    }

    @Test("Nothing counts as clean that was cleaned before the host's boot: a card may have changed its place since")
    func boots() async throws {
        try await FabricHost.with { host in
            let machine = try MachineUUID(Example.uuid)
            let pair = try host.assignments([1, 3], claim: 2)
            for gpu in pair { #expect(try await host.keeper().clean(UncleanGPU(address: gpu.address, claim: 1))) }
            for gpu in pair { #expect(try host.wasReset(gpu)) }
            let keeper = try host.keeper(boot: "second")
            for gpu in pair {
                #expect(try await keeper.inventory().first { $0.address == gpu.address }?.condition == .busy)
            }
            try await keeper.bind(pair, to: machine)
            for gpu in pair { #expect(try host.wasReset(gpu)) }
            try await keeper.bind(pair, to: machine)
            for gpu in pair { #expect(try !host.wasReset(gpu)) }
            // The guest that runs again after the host's boot may have another's card as well.
            try await host.keeper(boot: "third").bind(pair, to: machine)
            for gpu in pair { #expect(try host.wasReset(gpu)) }
        }
    }

    @Test("A machine whose units the ledger lost gets them cleaned, and a stale claim gets nothing")
    func forgotten() async throws {
        try await FabricHost.with { host in
            let (one, two) = (try MachineUUID(Example.uuid), MachineUUID())
            try await host.keeper().bind(try host.assignments([1, 3], claim: 7), to: one)
            for gpu in try host.assignments([1, 3], claim: 7) { #expect(try host.wasReset(gpu)) }
            let refusal = await #expect(throws: Fault.self) {
                try await host.keeper().bind(try host.assignments([1, 3], claim: 7), to: two)
            }
            #expect(refusal?.code == .hostGPUUnavailable)
        }
    }

    @Test("What cannot be cleaned for its machine is told as faulty, and tried again when that starts again")
    func unclean() async throws {
        try await FabricHost.with { host in
            let gpu = try #require(try host.assignments([1, 3], claim: 2).first)
            let (keeper, machine, pair) = (try host.keeper(), MachineUUID(), try host.assignments([1, 3], claim: 2))
            let config = "\(host.root)/sys/bus/pci/devices/\(gpu.address)/config"
            try FileManager.default.moveItem(atPath: config, toPath: config + ".0")
            await #expect(throws: Fault.self) { try await keeper.bind(pair, to: machine) }
            let told = try await keeper.inventory().first { $0.address == gpu.address }
            #expect(told?.condition == .faulty && told?.reason?.contains("does not answer") == true, "\(told as Any)")
            try FileManager.default.moveItem(atPath: config + ".0", toPath: config)
            try await keeper.bind(pair, to: machine)
        }
    }

    @Test("What could not be cleaned is told once, and asked for again without an end is not told again")
    func obstacle() async throws {
        try await withRecordedHost("no-iommu-intel") { root in
            let unit = try #require(try GPUScan(root: root, policy: GPUPolicy()).units().first)
            let keeper = keeper(in: root, KernelLog(boot: "first"))
            #expect(await keeper.clean(UncleanGPU(address: unit.address, claim: 2)))
            #expect(await !keeper.clean(UncleanGPU(address: unit.address, claim: 2)))
        }
    }

    @Test("What the host itself uses waits for that to end, says so, and is cleaned then")
    func held() async throws {
        try await FabricHost.with { host in
            let gpu = try #require(try host.assignments([1], claim: 2).first)
            let (keeper, word) = (try host.keeper(), UncleanGPU(address: gpu.address, claim: 1))
            let told = { try await keeper.inventory().first { $0.address == gpu.address }?.reason }
            try await host.withGuest(on: 1) { () async throws in
                #expect(await keeper.clean(word))
                #expect(await !keeper.clean(word))
                #expect(try await told()?.contains("in use by") == true)
                let busy = await #expect(throws: Fault.self) {
                    try await keeper.bind([gpu], to: MachineUUID())
                }
                #expect(busy?.code == .hostGPUBusy)
            }
            #expect(await keeper.clean(word))
            #expect(try await told() == nil)
        }
    }

    @Test("A device that holds up the look at it holds up no report")
    func slowDevice() async throws {
        try await FabricHost.with { host in
            let pair = try host.assignments([1, 3], claim: 2)
            let keeper = try host.keeper()
            for gpu in pair { #expect(await keeper.clean(UncleanGPU(address: gpu.address, claim: 1))) }
            let known = try await keeper.inventory()
            let config = "\(host.root)/sys/bus/pci/devices/\(pair[0].address)/config"
            try FileManager.default.moveItem(atPath: config, toPath: config + ".0")
            #expect(mkfifo(config, 0o600) == 0)
            for _ in 1...2 {
                let fault = await #expect(throws: Fault.self) { try await keeper.bind(pair, to: MachineUUID()) }
                #expect(fault?.code == .hostGPUBusy)
                #expect(try await keeper.inventory() == known)
            }
            // What opens it is let go; the file is one again.
            try FileManager.default.moveItem(atPath: config, toPath: config + ".1")
            try FileManager.default.moveItem(atPath: config + ".0", toPath: config)
            let writer = try #require(FileHandle(forWritingAtPath: config + ".1"))
            try writer.close()
            try await eventually("a look comes to its end") {
                (try? await keeper.bind(pair, to: MachineUUID(Example.uuid))) != nil
            }
        }
    }

    /// Has the ledger say that the host's first unit was cleaned.
    private func clean(in root: String, at place: KernelLog.Place) async throws {
        let unit = try #require(try GPUScan(root: root, policy: GPUPolicy()).units().first)
        var entry = GPULedger.Entry(claim: 1, state: .cleaned(how: "flr"), functions: unit.identity)
        entry.heard = place
        try await GPULedger(path: "\(root)/gpus.json").note(entry, of: unit.address)
    }

    /// What a new agent says of the first unit when it has read the log.
    private func condition(
        in root: String,
        _ log: String,
        _ boot: String
    ) async throws -> GPUInventory.Condition? {
        let kernelLog = KernelLog(path: log, boot: boot)
        try await kernelLog.follow()
        return try await keeper(in: root, kernelLog).inventory().first?.condition
    }

    private func keeper(in root: String, _ kernelLog: KernelLog) -> GPUKeeper {
        GPUKeeper(
            scan: GPUScan(root: root, policy: GPUPolicy()),
            kernelLog: kernelLog,
            root: root,
            ledger: GPULedger(path: "\(root)/gpus.json"),
            hook: nil,
            returnsDrivers: false,
            logger: Logger(label: "test")
        )
    }
}
