// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import GantryProtocol

/// What Fabric Manager's partitions are of the host's units. Pure.
package struct FabricLook: Hashable, Sendable {
    struct Partition: Hashable, Sendable {
        let id: Int
        let isActive: Bool
        /// The units that have a GPU of it, by address.
        let units: [PCIAddress]
        /// Whether it is these units and nothing else, so that a guest can have it.
        let isWhole: Bool
    }

    let partitions: [Partition]

    /// - Parameters:
    ///   - managed: What Fabric Manager says.
    ///   - modules: Where the modules are of which it does not say it.
    ///   - units: All units of the host.
    /// - Throws: when it says something else of a module than `modules`: a guest's GPUs would be others' neighbours.
    package init(_ managed: [ManagedPartition], modules: [Int: PCIAddress], units: [GPUUnit]) throws(Fault) {
        let owners = Dictionary(units.flatMap { unit in unit.gpus.map { ($0.address, unit) } }) { first, _ in first }
        var partitions: [Partition] = []
        for partition in managed {
            var gpus: Set<PCIAddress> = []
            for gpu in partition.gpus {
                let (told, known) = (gpu.address, modules[gpu.module])
                if let told, let known, told != known {
                    throw Fault(
                        .hostGPUUnavailable,
                        "Fabric Manager has module \(gpu.module) at \(told), not at \(known); correct gpu.fabric_modules."
                    )
                }
                if let address = told ?? known { gpus.insert(address) }
            }
            let own = Set(gpus.compactMap { owners[$0] })
            let isWhole = gpus.count == partition.gpus.count && gpus == Set(own.flatMap(\.gpus).map(\.address))
            partitions.append(
                Partition(
                    id: partition.id,
                    isActive: partition.isActive,
                    units: own.map(\.address).sorted(),
                    isWhole: isWhole && !gpus.isEmpty
                )
            )
        }
        self.partitions = partitions
    }

    /// The partitions that guests can have.
    var usable: [FabricPartition] {
        partitions.filter(\.isWhole).map { FabricPartition(id: $0.id, gpus: $0.units, isActive: $0.isActive) }
    }

    /// The partition of these units and no others.
    func partition(of units: [PCIAddress]) -> Partition? {
        partitions.first { $0.isWhole && Set($0.units) == Set(units) }
    }

    /// The active partitions that have one of these units.
    func active(with units: [PCIAddress]) -> [Partition] {
        partitions.filter { $0.isActive && !Set($0.units).isDisjoint(with: units) }
    }

    /// Why no guest can have a unit, as a sentence; nil where one can.
    func obstacle(of unit: GPUUnit) -> String? {
        guard !partitions.contains(where: { $0.isWhole && $0.units.contains(unit.address) }) else { return nil }
        return
            "Fabric Manager has no partition with \(unit.address) that a guest could have; gpu.fabric_modules has to "
            + "name all of its GPUs, and gpu.allow to offer them."
    }
}
