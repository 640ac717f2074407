// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryTestSupport
import SimulatedFleet
import Testing

@Suite("A conductor that comes back to many agents")
struct ReconnectTests {
    /// `GANTRY_TEST_AGENTS` sets it.
    private static let agents = ProcessInfo.processInfo.environment["GANTRY_TEST_AGENTS"].flatMap(Int.init) ?? 100

    @Test("refuses none of them, and all are back")
    func back() async throws {
        try await SimulatedCloud.with(nodes: Self.agents, nodesPerConnection: min(Self.agents, 100)) { cloud in
            let loss = ContinuousClock.now
            try await cloud.conductor.kill()
            try await eventually("each agent has noticed", timeout: .seconds(120)) {
                let failed = cloud.fleet.requests.entries(since: loss).filter { !$0.isTaken }
                return Set(failed.map(\.node)).count == Self.agents
            }
            try await cloud.conductor.start()
            let begin = ContinuousClock.now
            let firsts = try await eventually("all are back", timeout: .seconds(120)) {
                let firsts = Self.firsts(cloud.fleet.requests.entries(since: begin))
                return firsts.count == Self.agents ? firsts : nil
            }
            let window = try #require(firsts.map(\.end).max()) - begin
            var tenths = Array(repeating: 0, count: 10)
            for entry in firsts { tenths[min(Int((entry.begin - begin) / window * 10), 9)] += 1 }
            // How evenly they come is by chance; `BackoffTests` hold the schedule.
            print("\(Self.agents) agents back after \(window), in tenths of that: \(tenths)")
            let refused = cloud.fleet.requests.entries(since: begin).count { !$0.isTaken }
            #expect(refused == 0)
            let failures = try await cloud.conductor.metrics().split(separator: "\n")
                .filter { $0.hasPrefix("hb_requests_total") && $0.contains(/status_code="[45]/) }
            #expect(failures.isEmpty, "\(failures)")
        }
    }

    /// The first request of each node.
    private static func firsts(_ entries: [RequestLog.Entry]) -> [RequestLog.Entry] {
        Dictionary(grouping: entries, by: \.node).values.compactMap { $0.min { $0.begin < $1.begin } }
    }
}
