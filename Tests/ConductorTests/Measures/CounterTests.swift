// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Logging
import Metrics
import Observability
import Postgres
import Testing

@Suite("What alerts look at for a rise is counted from 0 on")
struct CounterTests {
    @Test("Faults of each code, orphans and dead letters are there before the first")
    func start() async throws {
        try await Cloud.with { cloud in
            let metrics = PrometheusMetrics()
            withMetricsFactory(metrics) {
                _ = NodeReports(database: cloud.database, outbox: cloud.outbox, logger: Logger(label: "test"))
                _ = DeadLetterStore(database: cloud.database)
            }
            for code in Fault.Code.known {
                #expect(metrics.value(of: #"gantry_machine_faults_total{code="\#(code.rawValue)"}"#) == 0)
            }
            #expect(metrics.value(of: "gantry_node_orphans_total") == 0)
            #expect(metrics.value(of: "gantry_dead_letters_total") == 0)
        }
    }

    @Test("A dead letter is counted once, one that the relay sets aside too")
    func deadLetters() async throws {
        try await Cloud.with { cloud in
            let metrics = PrometheusMetrics()
            try await withTemporaryVirtualHost { host in
                try await cloud.addNode("one")
                _ = try await cloud.createOne()
                try await cloud.execute("UPDATE private_address SET vm_id = NULL")
                let (store, relay) = withMetricsFactory(metrics) {
                    (DeadLetterStore(database: cloud.database), cloud.relay(to: host.configuration))
                }
                try await relay.drain()
                #expect(try await store.letters().elements.map(\.reason) == ["unreadable"])
                #expect(metrics.value(of: "gantry_dead_letters_total") == 1)
                for _ in 1...2 { try await store.add(messageID: "m", queue: "q", reason: "r", body: Data()) }
                #expect(metrics.value(of: "gantry_dead_letters_total") == 2)
            }
        }
    }
}
