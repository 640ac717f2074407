// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// The part of a unit's row that inventories change, and what they make of it. Pure: the caller writes it down.
///
/// ```
///            first seen, changed, back, lost by its node, fit again, tried again: a claim that its node has not cleaned
///                 │
///                 ▼      cleaned after the claim               claimed by a machine, which raises the claim
///   ┌──────▶ sanitizing ─────────────────────────▶ free ────────────────────────────────▶ allocated
///   │             │ ▲                                │                                        │
///   │  cannot be  │ └────────────────────────────────┼────── its machine gave it up ──────────┘
///   │   cleaned   ▼                                  │         (the claim stays)
///   └────────── faulty ◀──────── unfit ──────────────┘
///                 an operator's word returns it to its host and takes it back
/// ```
///
/// A claim is what keeps the edges true whatever comes late, twice or never: a unit is free only when its node says that
/// it was cleaned after the unit's newest claim, and what an inventory from before says of an older one frees nothing.
/// An inventory never takes a unit from its machine.
package struct StoredGPU: Sendable, Hashable {
    /// The machine that has the unit.
    package struct Holder: Sendable, Hashable {
        package let machine: VirtualMachineID
        package let name: String
        package let organization: OrganizationID

        package init(machine: VirtualMachineID, name: String, organization: OrganizationID) {
            (self.machine, self.name, self.organization) = (machine, name, organization)
        }
    }

    /// Of its first GPU; a node has it once.
    package let address: PCIAddress
    package let holder: Holder?
    package var model: String
    package var type: String
    package var numaNode: Int?
    package var iommuGroup: Int?
    /// What makes it the unit that it is, by address. The number of its IOMMU group may change with each boot.
    package var functions: [PCIFunction]
    package var state: GPURecord.State
    package var isPresent: Bool
    /// Whether an operator gave it back to the host's own drivers.
    package let isReturned: Bool
    package var claim: Int64
    package var cleaning: String?
    package var reason: String?

    /// A unit that its node names for the first time. It may have been in a guest before.
    package init(_ seen: GPUInventory, taken: String? = nil) {
        (address, holder) = (seen.address, nil)
        (model, type, numaNode, iommuGroup) = (seen.model, seen.gpuType, seen.numaNode, seen.iommuGroup)
        functions = seen.sortedFunctions
        (isPresent, isReturned) = (true, false)
        claim = seen.claim + 1
        reason = taken ?? seen.obstacle ?? seen.reason
        state = (taken ?? seen.obstacle) == nil ? .sanitizing : .faulty
    }

    package init(
        address: PCIAddress,
        holder: Holder?,
        model: String,
        type: String,
        numaNode: Int?,
        iommuGroup: Int?,
        functions: [PCIFunction],
        state: GPURecord.State,
        isPresent: Bool,
        isReturned: Bool = false,
        claim: Int64,
        cleaning: String?,
        reason: String?
    ) {
        (self.address, self.holder, self.model, self.type) = (address, holder, model, type)
        (self.numaNode, self.iommuGroup, self.functions) = (numaNode, iommuGroup, functions)
        (self.state, self.isPresent, self.isReturned) = (state, isPresent, isReturned)
        (self.claim, self.cleaning, self.reason) = (claim, cleaning, reason)
    }

    // MARK: - What inventories make of it

    /// The unit after an inventory that does not name it. That frees nothing; it may come back as another card.
    package var vanished: StoredGPU {
        var unit = self
        unit.isPresent = false
        unit.reason = "The host no longer has it."
        if holder == nil && !isReturned { unit.state = .sanitizing }
        return unit
    }

    /// The unit after an inventory that names it.
    ///
    /// - Parameters:
    ///   - seen: What the inventory says.
    ///   - taken: Why it cannot be had, whatever its node says: other units have functions of it.
    /// - Returns: The unit as it is then.
    package func after(_ seen: GPUInventory, taken: String? = nil) -> StoredGPU {
        holder == nil ? idle(after: seen, taken) : held(after: seen)
    }

    /// What its machine was promised stays, and the node checks it before it hands the unit to a guest.
    private func held(after seen: GPUInventory) -> StoredGPU {
        var unit = self
        unit.isPresent = true
        // A node is ahead of a database that was restored. What is in a guest there keeps its claim; what was cleaned
        // is given anew.
        if seen.claim > claim { unit.claim = seen.claim + (seen.condition == .busy ? 0 : 1) }
        guard functions == seen.sortedFunctions else {
            unit.reason = "It is not the device any more that the machine was given."
            return unit
        }
        if seen.claim == claim, seen.condition == .ready { unit.claim += 1 }
        unit.iommuGroup = seen.iommuGroup
        unit.reason = seen.obstacle ?? seen.reason
        return unit
    }

    private func idle(after seen: GPUInventory, _ taken: String?) -> StoredGPU {
        var unit = self
        let isOther = !isPresent || functions != seen.sortedFunctions
        (unit.model, unit.type, unit.numaNode) = (seen.model, seen.gpuType, seen.numaNode)
        (unit.iommuGroup, unit.functions, unit.isPresent) = (seen.iommuGroup, seen.sortedFunctions, true)
        unit.reason = taken ?? seen.obstacle ?? seen.reason
        guard !isReturned else {
            unit.reason = Self.returned
            return unit
        }
        guard taken == nil else {
            unit.state = .faulty
            return unit
        }
        guard !isOther else {
            unit.soil(seen)
            return unit
        }
        let isUnfit = seen.condition == .faulty
        switch state {
        case .free where isUnfit: unit.state = .faulty
        case .free where seen.condition != .ready || seen.claim < claim: unit.soil(seen)
        case .faulty where !isUnfit: unit.soil(seen)
        case .sanitizing where seen.claim >= claim && isUnfit: unit.state = .faulty
        case .sanitizing where seen.claim >= claim && seen.condition == .ready:
            (unit.state, unit.cleaning) = (.free, seen.cleaning)
        case .free, .faulty, .sanitizing, .allocated: break
        }
        // A node is ahead of a database that was restored.
        unit.claim = max(unit.claim, seen.claim)
        return unit
    }

    /// Why nobody gets what the host's own drivers have.
    static let returned = "An operator returned it to its host."

    /// Asks for a cleaning that its node has not done yet.
    private mutating func soil(_ seen: GPUInventory) {
        state = .sanitizing
        claim = max(claim, seen.claim) + 1
    }

    // MARK: - What its machine's owner reads

    /// The line for the history of the machine that has it; nil when nothing changed for that.
    package func event(after former: StoredGPU) -> MachineEvent? {
        guard let holder else { return nil }
        switch (former.reason, reason) {
        case (nil, let reason?):
            return MachineEvent(.warning, .gpuDegraded, "A GPU of \(holder.name) may not work well: \(reason)")
        case (_?, nil):
            return MachineEvent(.normal, .gpuRecovered, "The GPU of \(holder.name) is well again.")
        default: return nil
        }
    }
}

extension GPUInventory {
    var sortedFunctions: [PCIFunction] { functions.sorted { $0.address < $1.address } }

    /// Why it cannot be had, in its node's words.
    fileprivate var obstacle: String? {
        condition == .faulty ? reason ?? "Its node calls it faulty and does not say why." : nil
    }
}
