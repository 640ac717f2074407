// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import Logging
import Postgres
import Testing

@Suite("What machines used is kept for a day, and thinner for a month")
struct MachineMetricStoreTests {
    /// The begin of an hour, from which three hours are in the past.
    private let hour = Date(
        timeIntervalSince1970: (Date.now.timeIntervalSince1970 / 3600).rounded(.down) * 3600 - 14400
    )

    private func keep(
        _ value: Int64,
        of machine: VirtualMachineRecord,
        by node: NodeID? = nil,
        minute: Double,
        _ store: MachineMetricStore
    ) async throws {
        let owner = try #require(machine.node?.id)
        let sample = MachineSample(uuid: machine.uuid, cpuTime: value)
        try await store.keep([sample], of: node ?? owner, at: hour + 60 * minute)
    }

    private func values(
        _ duration: MetricDuration,
        _ machine: VirtualMachineRecord,
        _ cloud: Cloud
    ) async throws -> [Int64] {
        let store = MachineMetricStore(database: cloud.database)
        let samples = try await store.samples(of: machine.id, in: cloud.organization, back: duration)
        return try #require(samples).compactMap(\.cpuTime)
    }

    private func rows(_ cloud: Cloud) async throws -> [Int64] {
        try await cloud.database.read { transaction in
            try transaction.query("SELECT cpu_time FROM vm_metric ORDER BY minute").map { try $0["cpu_time"] }
        }
    }

    /// Makes all samples older, and has reconcilers look after them.
    private func age(_ cloud: Cloud, days: Int, reconcilers: Int = 1) async throws {
        try await cloud.execute("UPDATE vm_metric SET minute = minute - make_interval(days => \(days))")
        await withTaskGroup { group in
            for _ in 1...reconcilers {
                let database = cloud.anotherPool()
                group.addTask {
                    await Reconciler(database: database, outbox: cloud.outbox, logger: Logger(label: "test")).round()
                }
            }
        }
    }

    @Test("A series has the first sample of each of its intervals; the others go with age, and after a month all")
    func thinning() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let machine = try await cloud.createOne()
            let store = MachineMetricStore(database: cloud.database)
            // The begins of an hour and of some five minutes are missing.
            let minutes = Array(7...53) + Array(63...170)
            for minute in minutes {
                try await keep(Int64(minute), of: machine, minute: Double(minute) + 0.3, store)
            }
            func firsts(_ length: Int) -> [Int64] {
                var seen: Set<Int> = []
                return minutes.filter { seen.insert($0 / length).inserted }.map(Int64.init)
            }
            #expect(try await values(.day, machine, cloud) == firsts(1))
            #expect(try await values(.threeDays, machine, cloud) == firsts(5))
            #expect(try await values(.fifteenDays, machine, cloud) == firsts(60))
            #expect(try await rows(cloud) == firsts(1))

            let starts = try await store.samples(of: machine.id, in: cloud.organization, back: .thirtyDays)
            #expect(starts?.map(\.time) == [hour, hour + 3600, hour + 7200])

            try await age(cloud, days: 2)
            #expect(try await rows(cloud) == firsts(5))
            #expect(try await values(.day, machine, cloud) == [])
            #expect(try await values(.sevenDays, machine, cloud) == firsts(5))
            try await age(cloud, days: 6)
            #expect(try await rows(cloud) == firsts(60))
            #expect(try await values(.thirtyDays, machine, cloud) == firsts(60))
            try await age(cloud, days: 30)
            #expect(try await rows(cloud) == [])
        }
    }

    @Test("Of a machine with enhanced metrics every sample is kept for a week; without them again, one of five minutes")
    func enhanced() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let machine = try await cloud.createOne()
            let store = MachineMetricStore(database: cloud.database)
            #expect(try await store.setEnhanced(true, of: machine.id, in: cloud.organization) == machine.name)
            for minute in 0..<10 { try await keep(Int64(minute), of: machine, minute: Double(minute), store) }
            try await age(cloud, days: 2)
            #expect(try await values(.sevenDays, machine, cloud) == Array(0..<10))
            #expect(try await values(.thirtyDays, machine, cloud) == [0])
            _ = try await store.setEnhanced(false, of: machine.id, in: cloud.organization)
            #expect(try await values(.sevenDays, machine, cloud) == [0, 5])
            try await age(cloud, days: 6)
            #expect(try await rows(cloud) == [0])
            let stranger = OrganizationID(cloud.organization.rawValue + 1)
            #expect(try await store.setEnhanced(true, of: machine.id, in: stranger) == nil)
        }
    }

    @Test("Of one minute the newest sample is kept, and what was not told stays unknown")
    func minute() async throws {
        try await Cloud.with { cloud in
            let node = try await cloud.addNode("one")
            let machine = try await cloud.createOne()
            let store = MachineMetricStore(database: cloud.database)
            try await keep(1, of: machine, minute: 0.1, store)
            try await keep(2, of: machine, minute: 0.9, store)
            #expect(try await values(.day, machine, cloud) == [2])
            #expect(try await values(.thirtyDays, machine, cloud) == [2])
            let twice = [Int64(3), 3].map { MachineSample(uuid: machine.uuid, memory: $0) }
            #expect(try await store.keep(twice, of: node, at: hour + 60) == 1)
            let last = try await store.samples(of: machine.id, in: cloud.organization, back: .day)?.last
            #expect(last?.memory == 3 && last?.cpuTime == nil)
        }
    }

    @Test("A node is not believed about machines that are not on it, and nobody else sees a machine's samples")
    func foreign() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let machine = try await cloud.createOne()
            let other = try await cloud.addNode("two")
            let store = MachineMetricStore(database: cloud.database)
            try await keep(1, of: machine, by: other, minute: 0, store)
            #expect(try await rows(cloud) == [])
            let stranger = OrganizationID(cloud.organization.rawValue + 1)
            #expect(try await store.samples(of: machine.id, in: stranger, back: .day) == nil)
        }
    }

    @Test("Two conductors that take the same samples at once make one series of them, and thin it once")
    func concurrent() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let machine = try await cloud.createOne()
            let stores = [cloud.database, cloud.anotherPool()].map { MachineMetricStore(database: $0) }
            try await withThrowingTaskGroup { group in
                for minute in 0..<120 {
                    for store in stores {
                        group.addTask {
                            try await keep(Int64(minute), of: machine, minute: Double(minute), store)
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await values(.day, machine, cloud) == Array(0..<120))
            let coarse = try await values(.sevenDays, machine, cloud)
            #expect(coarse.map { $0 / 5 } == Array(0..<24))
            #expect(try await values(.thirtyDays, machine, cloud).map { $0 / 60 } == [0, 1])
            try await age(cloud, days: 2, reconcilers: 3)
            #expect(try await values(.sevenDays, machine, cloud) == coarse)
            #expect(try await cloud.number("SELECT count(*) AS number FROM vm_metric WHERE granularity = 60") == 0)
        }
    }

    @Test("A deleted machine's samples go with it, and those of others stay")
    func deleted() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let store = MachineMetricStore(database: cloud.database)
            let machines = [try await cloud.createOne(), try await cloud.createOne()]
            for (value, machine) in machines.enumerated() {
                try await keep(Int64(value), of: machine, minute: 0, store)
            }
            try await node.converge()
            try await cloud.perform(.delete, machines[0])
            #expect(try await rows(cloud).count == 2)
            try await node.converge()
            #expect(try await rows(cloud) == [1])
            #expect(try await store.samples(of: machines[0].id, in: cloud.organization, back: .day) == nil)
        }
    }
}
