// SPDX-License-Identifier: Apache-2.0

import Agent
import Conductor
import Foundation
import GantryTestSupport
import Testing

@Suite("A cloud is watched by a real Prometheus")
struct MonitoringTests {
    private static let rules = Repository.path("Packaging/prometheus")

    @Test("The alert rules are right, and fire when they should and only then")
    func rules() async throws {
        try await shell("promtool", "check", "rules", "\(Self.rules)/gantry.rules.yml")
        try await shell("promtool", "test", "rules", "\(Self.rules)/gantry.rules.test.yml")
    }

    @Test("Rules and dashboard name no metric that neither program has")
    func names() throws {
        let known = Set(ConductorMetrics.help.keys).union(AgentMetrics.help.keys)
        for file in ["prometheus/gantry.rules.yml", "grafana/gantry.json"] {
            let text = try String(contentsOfFile: Repository.path("Packaging/\(file)"), encoding: .utf8)
            let names = text.matches(of: /\b(?:gantry_[a-z_]+|hb_[a-z_]+|http_server_[a-z_]+)\b/)
                .map { String($0.output.replacing(/_bucket$/, with: "")) }
            #expect(names.count > 10)
            #expect(Set(names).subtracting(known) == [], "in \(file)")
        }
        _ = try JSONSerialization.jsonObject(
            with: Data(contentsOf: URL(filePath: Repository.path("Packaging/grafana/gantry.json")))
        )
    }

    @Test("The conductor's metrics pass promtool, are scraped, and follow what happens")
    func scraped() async throws {
        try await SimulatedCloud.with(gpus: 2) { cloud in
            let metrics = try await cloud.conductor.metrics()
            let lint = try await run("promtool", ["check", "metrics"], input: metrics)
            #expect(lint.status == 0, "\(lint.text)\(lint.errorText)")
            let prometheus = try await TestPrometheus(of: cloud.conductor, folder: cloud.folder)
            let result: Result<Void, any Error>
            do {
                result = .success(try await follow(cloud, prometheus))
            } catch {
                result = .failure(error)
            }
            try await prometheus.end()
            try result.get()
        }
    }

    private func follow(_ cloud: SimulatedCloud, _ prometheus: TestPrometheus) async throws {
        _ = try await cloud.create(cloud.request("web"))
        for (query, value) in [
            (#"up{job="gantry-conductor"}"#, "1"), (#"gantry_machines{phase="active"}"#, "1"),
            (#"gantry_machines{phase="creating"}"#, "0"), (#"gantry_nodes{state="up"}"#, "1"),
            (#"gantry_queue_consumers{node="sim-0"}"#, "1"), (#"gantry_node_schedulable{node="sim-0"}"#, "1"),
            (#"gantry_gpu_units{gpu_type="H100", state="free"}"#, "2"),
            (#"gantry_gpu_cleaning_oldest_seconds{gpu_type="H100"}"#, "0"), ("gantry_dead_letters_total", "0"),
            (#"gantry_machine_faults_total{code="guest_crashed"}"#, "0"), ("gantry_node_orphans_total", "0"),
            (#"gantry_capacity{dimension="vcpus", kind="allocated"}"#, "1"),
            (#"sum(hb_requests_total{http_route=~".*virtual-machines.*"}) > bool 0"#, "1"),
            (#"sum(hb_requests_total{http_route="/v1/internal/nodes/{node}/reports"}) > bool 0"#, "1"),
            (#"gantry_node_report_age_seconds{node="sim-0"} < bool 30"#, "1"),
        ] {
            try await eventually("\(query) is \(value)", timeout: .seconds(90)) {
                try await prometheus.value(of: query) == value
            }
        }
    }
}
