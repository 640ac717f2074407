// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Postgres
import Testing

@Suite("One request can be followed through the logs")
struct RequestTraceTests {
    @Test("Its id is in its answer and in its task; a line has it beside the task's, which the report's line has too")
    func trace() async throws {
        let log = TestLog()
        try await withTemporaryVirtualHost { broker in
            try await TestAPI.with(broker: broker, logger: log.logger) { api in
                let creation = try TestAPI.creation(["name": "web"])
                let answer = try await api.call(
                    .post,
                    TestAPI.machines,
                    creation,
                    headers: ["X-Request-Id": "deploy-42"]
                )
                let header = try #require(HTTPField.Name("x-request-id"))
                #expect((answer.status, answer.headers[header]) == (.ok, "deploy-42"))
                let box = Letterbox()
                let consumer = Task { await box.consume(broker.configuration, queue: "gantry.node.one") }
                defer { consumer.cancel() }
                try await withServices([api.cloud.relay(to: broker.configuration, logger: log.logger)]) {
                    try await eventually("the task arrives") { !box.tasks.isEmpty }
                    try await eventually("the outbox is empty") { try await api.cloud.outboxCount == 0 }
                }
                let task = try #require(box.tasks.first)
                #expect(task.requestID == "deploy-42")
                #expect(log.count("A task was sent", "deploy-42", "\(task.taskID)") == 1)
                try await Self.settle(task, api)
                #expect(log.count("A task was settled", "\(task.taskID)", "request.id") == 1)
            }
        }
    }

    /// Has the node say that the task is done, and then that it still is.
    private static func settle(_ task: MachineTask, _ api: TestAPI) async throws {
        try await api.cloud.execute(
            """
            INSERT INTO node_report (node_id, epoch, boot_id, sequence, interval_seconds, collected_at, complete,
                hypervisor_reachable)
            SELECT id, epoch, 'b', 0, 10, now(), false, true FROM compute_node
            """
        )
        for sequence in 1...2 {
            let report = NodeReport(
                epoch: 0,
                bootID: "b",
                sequence: Int64(sequence),
                collectedAt: Date(),
                complete: false,
                hypervisorReachable: true,
                machines: [task.done()],
                inventory: nil,
                problems: []
            )
            let answer = try await api.callInternal(.post, "/v1/internal/nodes/one/reports", key: "one", report)
            #expect(answer.status == .ok, "\(answer)")
        }
    }

    @Test("What one request changed on several machines is traced to it, and what nobody asked for to nobody")
    func changes() async throws {
        try await TestAPI.with { api in
            let machines = try await api.create(["count": 2, "name": "web"])
            try await api.cloud.execute("DELETE FROM task_outbox")
            for machine in machines {
                let path = "\(TestAPI.machines)/\(machine.id)"
                try await api.call(.delete, path, headers: ["X-Request-Id": "clean-up"])
            }
            let traced: SQL = "SELECT count(*) AS number FROM task_outbox WHERE request_id = 'clean-up'"
            #expect(try await api.cloud.number(traced) == 2)
            try await api.cloud.execute("DELETE FROM task_outbox")
            _ = try await api.cloud.createOne()
            let untraced: SQL = "SELECT count(*) AS number FROM task_outbox WHERE request_id IS NULL"
            #expect(try await api.cloud.number(untraced) == 1)
        }
    }
}
