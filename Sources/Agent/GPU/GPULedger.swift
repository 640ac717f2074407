// SPDX-License-Identifier: Apache-2.0

import DedicatedThread
import Foundation
package import GantryModel
package import GantryProtocol

/// What the agent remembers of the host's GPUs over its own restarts and the host's: who had each, and how it was cleaned
/// since. A unit that it knows nothing of is not clean.
package actor GPULedger {
    package enum State: Hashable, Sendable, Codable {
        /// Given to a machine, whether that runs or not.
        case used(by: MachineUUID)
        /// Cleaned after its last use, with how.
        case cleaned(how: String)
        /// It could not be cleaned, with why.
        case faulty(reason: String)
        /// Nothing was done, since the host cannot have it passed through now.
        case unclean
    }

    package struct Entry: Hashable, Sendable, Codable {
        /// The newest claim of the conductor's that was acted on.
        package var claim: Int64
        package var state: State
        /// What the unit was. Another card in its place is another unit.
        package var functions: [PCIFunction]
        /// The drivers that its functions had before, by address; those of none are left out.
        package var drivers: [String: String]
        /// Up to where the kernel's log was known when it was cleaned last.
        package var heard: KernelLog.Place?

        package init(claim: Int64, state: State, functions: [PCIFunction], drivers: [String: String] = [:]) {
            (self.claim, self.state, self.functions, self.drivers) = (claim, state, functions, drivers)
        }
    }

    private let path: String
    private var entries: [String: Entry] = [:]
    /// Each change waits for the disk.
    private let thread = DedicatedThread(name: "ledger")

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    /// Reads what is there. A file that cannot be read is set aside: its units have to be cleaned again.
    package init(path: String) {
        self.path = path
        guard FileManager.default.fileExists(atPath: path) else { return }
        do {
            let data = try Data(contentsOf: URL(filePath: path))
            entries = try NodeJSON.decoder.decode([String: Entry].self, from: data)
        } catch {
            try? FileManager.default.removeItem(atPath: path + ".damaged")
            try? FileManager.default.moveItem(atPath: path, toPath: path + ".damaged")
        }
    }

    /// What is known of a unit that has these functions now; nil when nothing is, or when it was another.
    package func entry(_ address: PCIAddress, _ functions: [PCIFunction]) -> Entry? {
        guard let entry = entries["\(address)"], entry.functions == functions else { return nil }
        return entry
    }

    /// Notes something of a unit. When this returns it is on disk.
    package func note(_ entry: Entry, of address: PCIAddress) throws(Fault) {
        var changed = entries
        changed["\(address)"] = entry
        let data: Data
        do {
            data = try NodeJSON.encoder.encode(changed)
        } catch {
            throw Fault(.hostCommandFailed, "What is known of a GPU could not be stored on the node.")
        }
        try HostFiles.write(data, to: path)
        entries = changed
    }
}

extension GPULedger.Entry {
    package var isClean: Bool {
        if case .cleaned = state { true } else { false }
    }

    /// Whether a machine has it.
    package var isUsed: Bool {
        if case .used = state { true } else { false }
    }

    /// Whether a machine may have the unit by a claim: its own still, or newly where the unit is clean.
    package func admits(_ asked: Int64, of machine: MachineUUID) -> Bool {
        switch state {
        case .used(let user): user == machine && claim == asked
        case .cleaned: claim < asked
        case .faulty, .unclean: false
        }
    }

    /// Whether nothing has to be done to have the unit clean after a claim: it was seen to, or a newer one is known.
    package func answers(_ asked: Int64) -> Bool {
        switch state {
        case .cleaned, .faulty: claim >= asked
        case .used, .unclean: claim > asked
        }
    }
}
