// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import Postgres
import Testing

@Suite("Machines that wait for a node have their turn")
struct UnplacedMachinesTests {
    @Test("However many find no place, those behind them are tried, and they themselves again afterwards")
    func turns() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode.mounting("one", in: cloud)
            var machines: [VirtualMachineRecord] = []
            for name in ["a", "b", "c"] { machines.append(try await cloud.createMovable(name)) }
            try await node.converge()
            for machine in machines { try await cloud.perform(.stop, machine) }
            try await node.converge()
            // They left their node, and the first two are larger than any.
            try await cloud.execute("UPDATE virtual_machine SET node_id = NULL")
            try await cloud.execute("UPDATE virtual_machine SET vcpus = 1000 WHERE id <> \(machines[2].id)")
            try await cloud.execute(
                "UPDATE compute_node SET allocated_vcpus = 0, allocated_memory_mib = 0, allocated_disk_gib = 0"
            )
            let placer = MachinePlacer(database: cloud.database, limits: PhaseTimeLimits(), outbox: cloud.outbox)
            let unplaced = UnplacedMachines(database: cloud.database, placer: placer, batch: 1)
            for _ in 1...3 { try await unplaced.placeNext() }
            #expect(try await cloud.place(machines[2]) == "one")
            try await cloud.execute("UPDATE virtual_machine SET vcpus = 1")
            for _ in 1...2 { try await unplaced.placeNext() }
            for machine in machines { #expect(try await cloud.place(machine) == "one") }
            try await cloud.audit()
        }
    }
}
