// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("What the journal took it keeps, whatever happens")
struct TaskJournalTests {
    private func journal(_ folder: String) throws -> TaskJournal {
        try TaskJournal(directory: "\(folder)/journal", logger: Example.logger)
    }

    /// The files of single machines.
    private func files(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder)/journal").sorted()
            .filter { !["forgotten", "reserve"].contains($0) }
    }

    @Test("Tasks, what became of them and what was built outlast the agent")
    func restart() async throws {
        try await withTemporaryDirectory { folder in
            let (first, second) = (try Example.task(), try Example.task(.stopped, uuid: MachineUUID().description))
            let journal = try journal(folder)
            for task in [first, second] { #expect(try await journal.take(task)) }
            try await journal.update(first.uuid) { entry in
                (entry.applied, entry.guestShutDown, entry.hasRun) = (Generation(1), true, true)
                entry.fault = Fault(.guestCrashed, "It “crashed”.")
            }
            let known = await journal.all
            let again = try self.journal(folder)
            #expect(Set(await again.all) == Set(known))
            #expect(await again.entry(first.uuid)?.fault?.message == "It “crashed”.")
        }
    }

    @Test("An older or equal generation changes nothing, a newer one keeps what is still so")
    func generations() async throws {
        try await withTemporaryDirectory { folder in
            let journal = try journal(folder)
            let task = try Example.task(generation: 5)
            #expect(try await journal.take(task))
            try await journal.update(task.uuid) { entry in
                (entry.applied, entry.guestShutDown, entry.hasRun) = (Generation(5), true, true)
                entry.fault = Fault(.guestCrashed, "")
            }
            for generation: Int64 in [4, 5] {
                #expect(try await !journal.take(Example.task(.absent, generation: generation)))
            }
            #expect(await journal.entry(task.uuid)?.task == task)
            #expect(try await journal.take(Example.task(.absent, generation: 6)))
            let entry = try #require(await journal.entry(task.uuid))
            #expect(entry.task.power == .absent && entry.applied == Generation(5) && entry.hasRun)
            #expect(entry.fault == nil && !entry.guestShutDown && !entry.isApplied)
            // A teardown needs the addresses of what was built.
            #expect(entry.taskWithSpec.spec == task.spec)
        }
    }

    @Test("A machine is forgotten only where its absence is the newest task")
    func forget() async throws {
        try await withTemporaryDirectory { folder in
            let journal = try journal(folder)
            let task = try Example.task(generation: 1)
            try await journal.forget(task.uuid, at: Generation(1))
            #expect(try await journal.take(task))
            try await journal.forget(task.uuid, at: Generation(1))
            #expect(await journal.entry(task.uuid) != nil)
            #expect(try await journal.take(Example.task(.absent, generation: 2)))
            try await journal.forget(task.uuid, at: Generation(1))
            #expect(await journal.entry(task.uuid) != nil)
            try await journal.forget(task.uuid, at: Generation(2))
            #expect(await journal.entry(task.uuid) == nil)
            #expect(try files(folder) == [])
            // What comes late does not bring it back.
            try await journal.update(task.uuid) { $0.applied = Generation(2) }
            #expect(try files(folder) == [])
        }
    }

    @Test("A task that comes when its machine is forgotten is outdated, also after a restart; a newer one is not")
    func late() async throws {
        try await withTemporaryDirectory { folder in
            let (creation, later) = (try Example.task(generation: 1), try Example.task(generation: 3))
            let journal = try journal(folder)
            #expect(try await journal.take(creation, isHint: true))
            #expect(try await journal.take(Example.task(.absent, generation: 2), isHint: true))
            try await journal.forget(creation.uuid, at: Generation(2))
            for journal in [journal, try self.journal(folder)] {
                #expect(try await !journal.take(creation, isHint: true))
                #expect(await journal.all.isEmpty)
            }
            // The last line was cut off when the power went.
            let path = "\(folder)/journal/forgotten"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            try (text + "0b8d5c1e-").write(toFile: path, atomically: true, encoding: .utf8)
            let restarted = try self.journal(folder)
            #expect(try await !restarted.take(creation, isHint: true))
            #expect(try await restarted.take(later, isHint: true))
            #expect(try await restarted.take(Example.task(uuid: MachineUUID().description), isHint: true))
        }
    }

    @Test("A damaged file is set aside and holds up no other; half-written ones go")
    func damaged() async throws {
        try await withTemporaryDirectory { folder in
            let (good, bad) = (try Example.task(), try Example.task(uuid: MachineUUID().description))
            let journal = try journal(folder)
            for task in [good, bad] { #expect(try await journal.take(task)) }
            let path = "\(folder)/journal/\(bad.uuid).json"
            let data = try Data(contentsOf: URL(filePath: path))
            try data.prefix(data.count / 2).write(to: URL(filePath: path))
            try Data().write(to: URL(filePath: "\(folder)/journal/\(good.uuid).json.new"))
            let again = try self.journal(folder)
            #expect(await again.all.map(\.task) == [good])
            #expect(try files(folder) == ["\(good.uuid).json", "\(bad.uuid).json.damaged"].sorted())
            #expect(try await again.take(bad))
        }
    }

    @Test("A field of a newer agent's is ignored")
    func unknownField() async throws {
        try await withTemporaryDirectory { folder in
            let task = try Example.task()
            #expect(try await journal(folder).take(task))
            let path = "\(folder)/journal/\(task.uuid).json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let extended = "{\"of_tomorrow\":{\"a\":[1]}," + text.dropFirst()
            try extended.write(toFile: path, atomically: true, encoding: .utf8)
            #expect(await (try journal(folder)).entry(task.uuid)?.task == task)
        }
    }

    @Test("A directory that cannot be read is no empty journal")
    func unreadable() async throws {
        try await withTemporaryDirectory { folder in
            try Data().write(to: URL(filePath: "\(folder)/journal"))
            #expect(throws: Fault.self) { try journal(folder) }
        }
    }

    @Test("A full disk is said, and loses nothing that was known (root)")
    func full() async throws {
        try await withSmallDisk(kibibytes: 64) { folder in
            let journal = try journal(folder)
            let task = try Example.task()
            #expect(try await journal.take(task))
            try Data(count: 56 << 10).write(to: URL(filePath: "\(folder)/filler"))
            let spec = try Example.spec(userData: Data(count: 16 << 10))
            let newer = try Example.task(generation: 2, spec: spec)
            let fault = await #expect(throws: Fault.self) { try await journal.take(newer) }
            #expect(fault?.code == .hostDiskFull)
            #expect(await journal.entry(task.uuid)?.task == task)
            let again = try self.journal(folder)
            #expect(await again.all.map(\.task) == [task])
            try FileManager.default.removeItem(atPath: "\(folder)/filler")
            #expect(try await again.take(newer))
            #expect(try files(folder) == ["\(task.uuid).json"])
        }
    }

    @Test("A machine can be removed from a full disk, again when there was room in between (root)")
    func removalFromFullDisk() async throws {
        try await withSmallDisk(kibibytes: 4096) { folder in
            let journal = try journal(folder)
            func fill() async throws {
                _ = try await run("dd", ["if=/dev/zero", "of=\(folder)/filler", "bs=4k"])
            }
            for _ in 1...2 {
                let task = try Example.task(uuid: MachineUUID().description)
                #expect(try await journal.take(task))
                try await fill()
                let other = try Example.task(uuid: MachineUUID().description)
                await #expect(throws: HostFiles.diskFull) { try await journal.take(other) }
                let absence = try Example.task(.absent, uuid: task.uuid.description, generation: 2)
                #expect(try await journal.take(absence))
                try await journal.update(task.uuid) { $0.applied = Generation(2) }
                try FileManager.default.removeItem(atPath: "\(folder)/filler")
                try await journal.forget(task.uuid, at: Generation(2))
            }
        }
    }

    @Test("What was taken is there after the power was lost at once (root)")
    func power() async throws {
        try await LosableDisk.with { disk in
            let task = try Example.task()
            do {
                let journal = try journal(disk.folder)
                #expect(try await journal.take(task))
                // Foundation flushes what it writes; a shell does not.
                try await shell("sh", "-c", "echo lost >\"$1\"", "sh", "\(disk.folder)/unflushed")
            }
            try await disk.losePower()
            #expect(!FileManager.default.fileExists(atPath: "\(disk.folder)/unflushed"))
            let newer = try Example.task(generation: 2)
            do {
                let journal = try journal(disk.folder)
                #expect(await journal.all.map(\.task) == [task])
                #expect(try await journal.take(newer))
            }
            try await disk.losePower()
            #expect(await (try journal(disk.folder)).all.map(\.task) == [newer])
        }
    }
}
