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
        /// Up to where the kernel's log was known when it was cleaned last; nil while that is to be done again before it is
        /// used.
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

    /// How a machine gets a unit.
    package enum Admission: Hashable, Sendable {
        case asItIs
        case onceCleaned
    }

    /// How a machine gets the unit by a claim: its own, or newly where no newer one is known.
    ///
    /// Cards may have changed their places while the host was off, so that nothing counts as clean that was cleaned before
    /// `boot`, the host's, which is now.
    ///
    /// - Returns: Nil for a claim that is over.
    package func admission(_ asked: Int64, of machine: MachineUUID, since boot: String) -> Admission? {
        let isKnown = heard?.boot == boot
        switch state {
        case .used(let user) where user == machine && claim == asked: return isKnown ? .asItIs : .onceCleaned
        case .cleaned where claim < asked: return isKnown ? .asItIs : .onceCleaned
        case .used where claim < asked: return .onceCleaned
        case .faulty where claim <= asked, .unclean where claim <= asked: return .onceCleaned
        case .used, .cleaned, .faulty, .unclean: return nil
        }
    }

    /// Whether nothing has to be done to have the unit clean after a claim: it was seen to in this boot of the host's, or a
    /// newer one is known.
    package func answers(_ asked: Int64, since boot: String) -> Bool {
        switch state {
        case .cleaned: claim >= asked && (heard?.boot == boot || claim > asked)
        case .faulty: claim >= asked
        case .used, .unclean: claim > asked
        }
    }
}
