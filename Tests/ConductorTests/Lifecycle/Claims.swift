// SPDX-License-Identifier: Apache-2.0

import Conductor
import Postgres

/// vCPUs, MiB of memory and GiB of disk that the nodes' counters say are claimed.
func allocated(_ cloud: Cloud) async throws -> [Int] {
    [
        try await cloud.number("SELECT sum(allocated_vcpus) AS number FROM compute_node"),
        try await cloud.number("SELECT sum(allocated_memory_mib) AS number FROM compute_node"),
        try await cloud.number("SELECT sum(allocated_disk_gib) AS number FROM compute_node"),
    ]
}

/// How many succeed of four requests at once for two operations on one machine.
func winners(
    _ one: MachineOperation,
    _ other: MachineOperation,
    _ cloud: Cloud,
    _ machine: VirtualMachineRecord
) async throws -> Int {
    await withTaskGroup { group in
        for operation in [one, other, one, other] {
            group.addTask { (try? await cloud.perform(operation, machine)) != nil }
        }
        return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
}

extension Cloud {
    /// How many GPUs are in a state.
    func devices(_ state: String) async throws -> Int {
        try await number("SELECT count(*) AS number FROM gpu_device WHERE state = \(state)")
    }
}
