// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Whoever comes with what is not theirs is refused, and logged")
struct BreakInTests {
    private static func session(hostname: String) -> NodeSessionRequest {
        NodeSessionRequest(
            bootID: "b",
            hostname: hostname,
            inventory: NodeInventory(
                total: Resources(vcpus: 4, memoryMiB: 8192, diskGiB: 100),
                reserved: Resources(vcpus: 1, memoryMiB: 1024, diskGiB: 10),
                virtType: "qemu",
                hypervisorVersion: "7.2.0",
                agentVersion: "1",
                gpus: []
            ),
            machines: []
        )
    }

    @Test("Another node's, a tenant's and an operator's key open none of a node's routes")
    func wrongKeys() async throws {
        let log = TestLog()
        try await TestAPI.with(logger: log.logger) { api in
            try await api.cloud.addNode("two")
            let routes = api.routes.filter { $0.path.hasPrefix("/v1/internal/nodes/") }
            #expect(routes.count >= 6)
            for (method, path) in routes {
                let path = path.replacing("{node}", with: "one").replacing(/\{[^}]*\}/, with: "1")
                // The fixture's nodes have their own name as key.
                for key in ["two", TestAPI.key, TestAPI.operatorsKey] {
                    let before = log.count("A caller was refused", "\"\(path)\"", "unauthorized")
                    let answer = try await api.callInternal(method, path, key: key)
                    #expect(answer.status == .unauthorized, "\(method) \(path) \(key)")
                    #expect(log.count("A caller was refused", "\"\(path)\"", "unauthorized") == before + 1)
                }
            }
            #expect(log.count(TestAPI.key) == 0 && log.count(TestAPI.operatorsKey) == 0)
        }
    }

    @Test("A tenant's and a node's key open none of the operators' routes")
    func adminRoutes() async throws {
        let log = TestLog()
        try await TestAPI.with(logger: log.logger) { api in
            let routes = api.routes.filter { $0.path.hasPrefix("/v1/admin/") }
            for (method, path) in routes {
                let path = path.replacing(/\{[^}]*\}/, with: "1")
                let tenant = try await api.callInternal(method, path, key: TestAPI.key)
                let node = try await api.callInternal(method, path, key: "one")
                #expect((tenant.status, node.status) == (.forbidden, .unauthorized), "\(method) \(path)")
            }
            #expect(log.count("A caller was refused", "/v1/admin/", "forbidden") == routes.count)
            #expect(log.count("A caller was refused", "/v1/admin/", "unauthorized") == routes.count)
        }
    }

    @Test("A stolen configuration lets in no other host")
    func stolenConfiguration() async throws {
        let log = TestLog()
        try await TestAPI.with(logger: log.logger) { api in
            let path = "/v1/internal/nodes/one/sessions"
            #expect(try await api.callInternal(.post, path, key: "one", Self.session(hostname: "one")).status == .ok)
            let thief = try await api.callInternal(.post, path, key: "one", Self.session(hostname: "elsewhere"))
            #expect(thief.status == .conflict)
            #expect(thief.error?.errorReason == "wrong_identity", "\(thief)")
            #expect(log.count("A caller was refused", "wrong_identity", "elsewhere") == 1)
            let epoch: SQL = "SELECT epoch AS number FROM compute_node WHERE name = 'one'"
            #expect(try await api.cloud.number(epoch) == 1)
        }
    }

    @Test("A report that is sent again changes nothing, with machines in it or without")
    func replay() async throws {
        let log = TestLog()
        try await TestAPI.with(logger: log.logger) { api in
            let machine = try await api.cloud.createOne()
            let path = "/v1/internal/nodes/one"
            let opened = try await api.callInternal(
                .post,
                path + "/sessions",
                key: "one",
                Self.session(hostname: "one")
            )
            let session = try NodeJSON.decoder.decode(NodeSession.self, from: opened.body)
            func report(_ sequence: Int64, _ machines: [MachineReport]) -> NodeReport {
                NodeReport(
                    epoch: session.epoch,
                    bootID: "b",
                    sequence: sequence,
                    collectedAt: Date(),
                    complete: false,
                    hypervisorReachable: true,
                    machines: machines,
                    inventory: nil,
                    problems: []
                )
            }
            var failed = try await api.cloud.task(machine).done()
            failed.power = .crashed
            let reports = [report(1, [failed]), report(2, [try await api.cloud.task(machine).done()]), report(3, [])]
            for report in reports {
                #expect(try await api.callInternal(.post, path + "/reports", key: "one", report).status == .ok)
            }
            #expect(try await api.cloud.now(machine)?.status == .active)
            for report in reports {
                #expect(try await api.callInternal(.post, path + "/reports", key: "one", report).status == .ok)
            }
            #expect(try await api.cloud.now(machine)?.status == .active)
            #expect(log.count("A report that came before was ignored", "one") == 3)
        }
    }
}
