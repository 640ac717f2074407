// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryTestSupport
import Placement

/// Values that the tests of this target share.
enum Examples {
    /// The same UUIDs on each run.
    static func uuids(_ count: Int, seed: UInt64 = 7) -> [MachineUUID] {
        var generator = RepeatableGenerator(seed)
        return (0..<count)
            .map { _ in
                let (high, low) = (generator.next(), generator.next())
                let bytes = (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (($0 % 8) * 8)) }
                return MachineUUID(bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) })
            }
    }

    /// Partitions such as Fabric Manager's: all devices, their halves, pairs and each by itself.
    static func partitions(of devices: [PCIAddress]) -> [Set<PCIAddress>] {
        [8, 4, 2, 1]
            .flatMap { size in
                stride(from: 0, to: devices.count, by: size).map { Set(devices[$0..<min($0 + size, devices.count)]) }
            }
    }

    /// Free devices as (row, NUMA node), whose addresses follow the row.
    static func gpus(_ rows: [(Int64, Int)]) throws -> [FreeGPU] {
        try rows.map { row, numa in
            let bus = String(row, radix: 16)
            let address = try PCIAddress("0000:\(bus.count < 2 ? "0" : "")\(bus):00.0")
            return FreeGPU(id: GPUID(row), address: address, numaNode: numa)
        }
    }
}
