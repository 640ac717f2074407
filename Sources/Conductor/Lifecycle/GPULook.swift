// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import GantryProtocol

/// What one inventory of a node makes of all its units. Pure.
package struct GPULook {
    /// Units that the node names for the first time.
    package private(set) var new: [StoredGPU] = []
    /// Known units that are no longer as they were.
    package private(set) var changed: [StoredGPU] = []
    /// For the machines that have some of them.
    package private(set) var events: [(holder: StoredGPU.Holder, event: MachineEvent)] = []

    /// - Parameters:
    ///   - inventory: The node's units, all of them.
    ///   - known: The node's rows, all of them.
    package init(_ inventory: [GPUInventory], known: [StoredGPU]) {
        let stored = Dictionary(known.map { ($0.address, $0) }) { first, _ in first }
        let seen = Dictionary(inventory.map { ($0.address, $0) }) { first, _ in first }
        var functions = FunctionOwners(known)
        for unit in seen.values.sorted(by: { $0.address < $1.address }) {
            let taken = functions.take(unit)
            if let former = stored[unit.address] {
                note(former, former.after(unit, taken: taken))
            } else {
                new.append(StoredGPU(unit, taken: taken))
            }
        }
        for unit in known where seen[unit.address] == nil { note(unit, unit.vanished) }
    }

    private mutating func note(_ former: StoredGPU, _ unit: StoredGPU) {
        guard unit != former else { return }
        changed.append(unit)
        if let holder = unit.holder, let event = unit.event(after: former) { events.append((holder, event)) }
    }
}

/// Which unit each function is of. After a change of the host's groups another unit may name what a machine still has.
private struct FunctionOwners {
    private var owners: [PCIAddress: (unit: PCIAddress, holder: StoredGPU.Holder?)] = [:]

    init(_ known: [StoredGPU]) {
        for unit in known where unit.holder != nil {
            for function in unit.functions { owners[function.address] = (unit.address, unit.holder) }
        }
    }

    /// Notes a unit's functions as its own.
    ///
    /// - Returns: why it cannot have all of them; nil when it can.
    mutating func take(_ unit: GPUInventory) -> String? {
        var obstacle: String?
        for function in unit.sortedFunctions {
            guard let owner = owners[function.address], owner.unit != unit.address else {
                owners[function.address] = owners[function.address] ?? (unit.address, nil)
                continue
            }
            let holder = owner.holder.map { ", which VM \($0.machine) has" } ?? ""
            obstacle = obstacle ?? "Its function \(function.address) is also of unit \(owner.unit)\(holder)."
        }
        return obstacle
    }
}
