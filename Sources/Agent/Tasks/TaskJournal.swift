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
    /// Each change waits for the disk.
    private let thread = DedicatedThread(name: "journal")

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Reads what is there. A file that cannot be read is set aside under another name: the conductor's desired state
    /// brings its task again.
    package init(directory: String, logger: Logger) throws(Fault) {
        (self.directory, self.logger) = (directory, logger)
        try HostFiles.makeDirectory(directory, mode: 0o700)
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

    package var all: [JournalEntry] { Array(entries.values) }

    package func entry(_ uuid: MachineUUID) -> JournalEntry? { entries[uuid] }

    /// Takes a task where it is newer than what is known. When this returns it is on disk.
    ///
    /// - Returns: Whether it was newer.
    package func take(_ task: MachineTask) throws(Fault) -> Bool {
        guard let known = entries[task.uuid] else {
            try store(JournalEntry(task: task))
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
        try HostFiles.remove(path(uuid))
        entries[uuid] = nil
    }

    private func store(_ entry: JournalEntry) throws(Fault) {
        do {
            try HostFiles.write(try NodeJSON.encoder.encode(entry), to: path(entry.task.uuid))
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(.hostCommandFailed, "A task could not be stored on the node.")
        }
        entries[entry.task.uuid] = entry
    }

    private func path(_ uuid: MachineUUID) -> String { "\(directory)/\(uuid).json" }
}
