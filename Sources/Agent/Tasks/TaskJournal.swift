// SPDX-License-Identifier: Apache-2.0

import DedicatedThread
import Foundation
package import GantryModel
package import GantryProtocol
package import Logging

/// What the agent has promised to do: a file a machine, durable before a task is acknowledged.
package actor TaskJournal {
    private let directory: String
    private let logger: Logger
    private var entries: [MachineUUID: JournalEntry] = [:]
    private var forgotten: ForgottenMachines
    private var reserve: JournalReserve
    /// Machines that had files on the host and no entry when the agent began.
    private var unexplained: Set<MachineUUID> = []
    /// Each change waits for the disk.
    private let thread = DedicatedThread(name: "journal")

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Reads what is there. A file that cannot be read is set aside under another name: the conductor's desired state
    /// brings its task again.
    package init(directory: String, logger: Logger) throws(Fault) {
        (self.directory, self.logger) = (directory, logger)
        try HostFiles.makeDirectory(directory, mode: 0o700)
        forgotten = ForgottenMachines(path: directory + "/forgotten")
        reserve = JournalReserve(path: directory + "/reserve")
        for name in try HostFiles.names(in: directory) {
            let path = directory + "/" + name
            guard name.hasSuffix(".json") else {
                if name.hasSuffix(".new") { try HostFiles.remove(path) }
                continue
            }
            do {
                let data = try Data(contentsOf: URL(filePath: path))
                let entry = try NodeJSON.decoder.decode(JournalEntry.self, from: data)
                entries[entry.task.uuid] = entry
            } catch {
                logger.error("A journal entry is damaged and was set aside", metadata: ["file": "\(name)"])
                try? FileManager.default.moveItem(atPath: path, toPath: path + ".damaged")
            }
        }
    }

    // MARK: - Sessions

    /// The newest epoch that this host was ever given; nil for none, as far as is remembered.
    package var lastEpoch: Int64? {
        (try? String(contentsOfFile: epochPath, encoding: .utf8))
            .flatMap { Int64($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// Remembers the session's epoch. What cannot be stored is no worse than forgotten.
    package func note(epoch: Int64) {
        try? HostFiles.write(Data("\(epoch)\n".utf8), to: epochPath)
    }

    private var epochPath: String { directory + "/epoch" }

    // MARK: - Machines

    /// The machines that were here last and are gone, as far as is remembered.
    package var forgottenMachines: [MachineUUID] { forgotten.machines.filter { entries[$0] == nil } }

    package var all: [JournalEntry] { Array(entries.values) }

    package func entry(_ uuid: MachineUUID) -> JournalEntry? { entries[uuid] }

    /// Whether a task is of a machine that is gone since, or of an earlier time than the one when it went.
    private func isOutdated(_ task: MachineTask) -> Bool {
        guard entries[task.uuid] == nil, let end = forgotten[task.uuid] else { return false }
        return task.generation <= end
    }

    /// Learns which machines have files on the host, before the first task. One whose entry was lost may have run.
    package func learn(ofFiles machines: Set<MachineUUID>) {
        unexplained = machines.subtracting(entries.keys)
    }

    /// Takes a task where it is newer than what is known. When this returns it is on disk.
    ///
    /// - Parameters:
    ///   - task: What is wanted.
    ///   - isHint: Whether it comes by the queue: such a one that is outdated is not taken. Looked at here, since the
    ///     machine may be forgotten at any moment before.
    /// - Returns: Whether it was taken.
    /// - Throws: when it cannot be stored.
    package func take(_ task: MachineTask, isHint: Bool = false) throws(Fault) -> Bool {
        guard let known = entries[task.uuid] else {
            guard !isHint || !isOutdated(task) else { return false }
            try store(JournalEntry(task: task, hasRun: unexplained.contains(task.uuid)))
            unexplained.remove(task.uuid)
            return true
        }
        guard let newer = known.taking(task) else { return false }
        try store(newer)
        return true
    }

    /// Changes an entry, durably. One that is gone stays gone.
    package func update(_ uuid: MachineUUID, _ change: @Sendable (inout JournalEntry) -> Void) throws(Fault) {
        guard var entry = entries[uuid] else { return }
        change(&entry)
        guard entry != entries[uuid] else { return }
        try store(entry)
    }

    /// Forgets a machine whose absence the conductor has acknowledged, unless a newer task came.
    package func forget(_ uuid: MachineUUID, at generation: Generation) throws(Fault) {
        guard let entry = entries[uuid], entry.task.generation == generation, entry.task.power == .absent else {
            return
        }
        // First, so that it cannot be forgotten that it was forgotten.
        forgotten.add(uuid, at: generation)
        try HostFiles.remove(path(uuid))
        entries[uuid] = nil
        reserve.refill()
    }

    private func store(_ entry: JournalEntry) throws(Fault) {
        do {
            try write(entry)
        } catch {
            guard error.code == .hostDiskFull, entry.task.power == .absent, reserve.release() else { throw error }
            try write(entry)
        }
        entries[entry.task.uuid] = entry
    }

    private func write(_ entry: JournalEntry) throws(Fault) {
        let data: Data
        do {
            data = try NodeJSON.encoder.encode(entry)
        } catch {
            throw Fault(.hostCommandFailed, "A task could not be stored on the node.")
        }
        try HostFiles.write(data, to: path(entry.task.uuid))
    }

    private func path(_ uuid: MachineUUID) -> String { "\(directory)/\(uuid).json" }
}
