// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("What an agent remembers of the host's GPUs")
struct GPULedgerTests {
    private let machine: MachineUUID
    private let other: MachineUUID

    init() throws {
        (machine, other) = (try MachineUUID(Example.uuid), try MachineUUID("00000000-0000-4000-8000-000000000008"))
    }

    private func entry(_ claim: Int64, _ state: GPULedger.State) throws -> GPULedger.Entry {
        GPULedger.Entry(claim: claim, state: state, functions: try Example.gpu(1, claim: 1).functions)
    }

    @Test("It holds over a restart; another card in the same place is not the one that was cleaned")
    func restart() async throws {
        try await withTemporaryDirectory { folder in
            let (gpu, known) = (try Example.gpu(1, claim: 1), try entry(3, .cleaned(how: "flr")))
            try await GPULedger(path: folder + "/gpus.json").note(known, of: gpu.address)
            let ledger = GPULedger(path: folder + "/gpus.json")
            #expect(await ledger.entry(gpu.address, gpu.functions) == known)
            var another = gpu.functions
            another[0].subsystemID = "10de:ffff"
            #expect(await ledger.entry(gpu.address, another) == nil)
            #expect(await ledger.entry(try Example.gpu(2, claim: 1).address, gpu.functions) == nil)
        }
    }

    @Test("A damaged file leaves nothing clean, and is set aside")
    func damaged() async throws {
        try await withTemporaryDirectory { folder in
            let path = folder + "/gpus.json"
            try Data("{".utf8).write(to: URL(filePath: path))
            let (ledger, gpu) = (GPULedger(path: path), try Example.gpu(1, claim: 1))
            #expect(await ledger.entry(gpu.address, gpu.functions) == nil)
            #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
            try await ledger.note(entry(1, .cleaned(how: "flr")), of: gpu.address)
            #expect(await GPULedger(path: path).entry(gpu.address, gpu.functions)?.isClean == true)
        }
    }

    @Test("What cannot be written is not believed")
    func full() async throws {
        try await withSmallDisk(kibibytes: 16) { folder in
            let (ledger, gpu) = (GPULedger(path: folder + "/gpus.json"), try Example.gpu(1, claim: 1))
            try await ledger.note(entry(1, .used(by: machine)), of: gpu.address)
            try? Data(count: 1 << 20).write(to: URL(filePath: folder + "/others"))
            let cleaned = try entry(1, .cleaned(how: String(repeating: "x", count: 20_000)))
            await #expect(throws: HostFiles.diskFull) { try await ledger.note(cleaned, of: gpu.address) }
            #expect(await ledger.entry(gpu.address, gpu.functions)?.isClean == false)
            #expect(await GPULedger(path: folder + "/gpus.json").entry(gpu.address, gpu.functions)?.isClean == false)
        }
    }

    private func entry(_ claim: Int64, _ state: GPULedger.State, cleanedIn boot: String) throws -> GPULedger.Entry {
        var entry = try entry(claim, state)
        entry.heard = .init(boot: boot, number: 0)
        return entry
    }

    @Test("A machine gets a unit that was cleaned before its claim, and its own again; what is older is cleaned first")
    func admission() throws {
        for (boot, admission) in [("now", GPULedger.Entry.Admission.asItIs), ("before", .onceCleaned)] {
            let clean = try entry(3, .cleaned(how: "flr"), cleanedIn: boot)
            #expect(clean.admission(4, of: machine, since: "now") == admission)
            #expect(clean.admission(3, of: machine, since: "now") == nil)
            let own = try entry(3, .used(by: machine), cleanedIn: boot)
            #expect(own.admission(3, of: machine, since: "now") == admission)
            #expect(own.admission(2, of: machine, since: "now") == nil)
        }
    }

    @Test("A machine gets what another had, or what could not be cleaned, by a newer claim and once it was cleaned")
    func others() throws {
        let others = try entry(3, .used(by: other), cleanedIn: "now")
        #expect(others.admission(3, of: machine, since: "now") == nil)
        #expect(others.admission(4, of: machine, since: "now") == .onceCleaned)
        for state in [GPULedger.State.faulty(reason: "no"), .unclean] {
            #expect(try entry(3, state, cleanedIn: "now").admission(3, of: machine, since: "now") == .onceCleaned)
            #expect(try entry(3, state, cleanedIn: "now").admission(2, of: machine, since: "now") == nil)
        }
    }

    @Test("A word to clean is done once for its claim and the host's boot, and one that comes late is not done")
    func answers() throws {
        let clean = try entry(3, .cleaned(how: "flr"), cleanedIn: "now")
        #expect(clean.answers(3, since: "now"))
        #expect(!clean.answers(3, since: "later"))
        #expect(clean.answers(2, since: "later"))
        #expect(!clean.answers(4, since: "now"))
        #expect(try entry(3, .faulty(reason: "no")).answers(3, since: "now"))
        #expect(try !entry(3, .faulty(reason: "no")).answers(4, since: "now"))
        #expect(try !entry(3, .used(by: machine)).answers(3, since: "now"))
        #expect(try entry(3, .used(by: machine)).answers(2, since: "now"))
        #expect(try !entry(3, .unclean).answers(3, since: "now"))
    }
}
