// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// A host's units at one moment, with what Fabric Manager says of them.
struct HostGPUs: Sendable {
    let units: [GPUUnit]
    /// Nil for a host without Fabric Manager; else what it said, or why it did not.
    let fabric: Result<FabricLook, Fault>?
    let at: ContinuousClock.Instant

    func unit(at address: PCIAddress) -> GPUUnit? { units.first { $0.address == address } }

    /// Why no guest can have a unit, as a sentence; nil where one can.
    func obstacle(of unit: GPUUnit) -> String? {
        switch fabric {
        case .failure(let fault): unit.obstacle ?? fault.message
        case .success(let look): unit.obstacle ?? look.obstacle(of: unit)
        case nil: unit.obstacle
        }
    }

    /// The active partitions that have a unit.
    func connections(of unit: GPUUnit) -> [FabricLook.Partition] {
        (try? fabric?.get().active(with: [unit.address])) ?? []
    }

    /// A unit with those that it is connected to.
    func connected(_ unit: GPUUnit) -> [GPUUnit] {
        let addresses = Set(connections(of: unit).flatMap(\.units) + [unit.address])
        return units.filter { addresses.contains($0.address) }
    }
}
