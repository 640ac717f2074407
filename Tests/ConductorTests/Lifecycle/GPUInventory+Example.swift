// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol

extension GPUInventory {
    /// A GPU with nothing beside it in its IOMMU group.
    static func example(
        _ bus: Int,
        _ condition: Condition = .ready,
        numaNode: Int = 0,
        claim: Int64 = 0,
        reason: String? = nil
    ) throws -> GPUInventory {
        let address = try PCIAddress("0000:0\(bus):00.0")
        return GPUInventory(
            address: address,
            model: "GH100 [H100 SXM5 80GB]",
            gpuType: "H100",
            numaNode: numaNode,
            iommuGroup: bus,
            functions: [
                PCIFunction(address: address, pciID: "10de:2330", subsystemID: "10de:16c1", classCode: "0302")
            ],
            condition: condition,
            reason: reason,
            claim: claim,
            cleaning: claim > 0 ? "flr" : nil
        )
    }
}

extension FabricPartition {
    /// Partitions such as Fabric Manager's: all units, their halves, pairs and each by itself.
    static func examples(of units: [PCIAddress]) -> [FabricPartition] {
        var sets: [[PCIAddress]] = []
        for size in [8, 4, 2, 1] {
            for start in stride(from: 0, to: units.count, by: size) {
                let set = Array(units[start..<min(start + size, units.count)])
                if !sets.contains(set) { sets.append(set) }
            }
        }
        return sets.enumerated().map { FabricPartition(id: $0, gpus: $1, isActive: false) }
    }
}
