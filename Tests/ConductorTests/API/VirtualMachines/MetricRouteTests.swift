// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@Suite("A node tells what its machines used, and tenants see it in the vendor's form")
struct MetricRouteTests {
    /// Posts as a node's agent. The fixture's nodes have their own name as key.
    private static func post(
        _ metrics: NodeMetrics,
        to node: String = "one",
        key: String = "one",
        _ api: TestAPI
    ) async throws -> HTTPResponse.Status {
        try await api.client.execute(
            uri: "/v1/internal/nodes/\(node)/metrics",
            method: .post,
            headers: [.authorization: "Bearer \(key)"],
            body: ByteBuffer(bytes: try NodeJSON.encoder.encode(metrics))
        ) { $0.status }
    }

    private static func machine(_ api: TestAPI) async throws -> (id: Int64, sample: MachineSample) {
        let body = try #require(try await api.create().first)
        let record = try await api.cloud.store.machine(VirtualMachineID(body.id), in: api.cloud.organization)
        let sample = MachineSample(
            uuid: try #require(record).uuid,
            cpuTime: 1_041_433_070_000_000,
            memory: 300 << 20,
            networkIn: 1,
            networkOut: 2,
            diskRead: 3,
            diskWritten: 4
        )
        return (body.id, sample)
    }

    @Test("Six series of arrays, without an envelope, for each duration with its own granularity")
    func shape() async throws {
        try await TestAPI.with { api in
            let (id, sample) = try await Self.machine(api)
            let path = "\(TestAPI.machines)/\(id)/metrics"
            let empty = try await api.call(.get, path).decoded(InstanceMetrics.self)
            #expect(empty.cpu == MetricSeries(unit: "ns", data: []))
            #expect(try await Self.post(NodeMetrics(machines: [sample]), api) == .noContent)

            let answer = try await api.call(.get, path).decoded(JSON.self)
            let expected: [(String, String, Double)] = [
                ("cpu", "ns", 1_041_433_070_000_000), ("memory.usages", "MB", 300), ("network.in", "B", 1),
                ("network.out", "B", 2), ("disk.read", "B", 3), ("disk.write", "B", 4),
            ]
            #expect(answer.keys == Set(expected.map(\.0)))
            for (name, unit, value) in expected {
                let series = answer[name]
                #expect(series?["unit"] == .text(unit))
                #expect(series?["columns"] == .list([.text("time"), .text("granularity"), .text("value")]))
                let point = try #require(series?["data"]?.list?.first?.list)
                #expect(point.dropFirst() == [.number(60), .number(value)])
                #expect(try #require(point.first?.text).wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:00\+00:00/) != nil)
            }

            for duration in MetricDuration.allCases {
                let metrics = try await api.call(.get, "\(path)?duration=\(duration.rawValue)")
                    .decoded(InstanceMetrics.self)
                let granularity = duration.hours <= 24 ? 60 : duration.hours <= 168 ? 300 : 3600
                let point = try #require(metrics.cpu.data.first)
                #expect(metrics.cpu.data.count == 1 && point.granularity == granularity)
                // The wait between the two calls is no part of it.
                #expect(Int(point.time.timeIntervalSince1970) % granularity == 0)
            }
        }
    }

    @Test("Enhanced, of a create or later, each minute has its point for a week too, until that is taken back")
    func enhanced() async throws {
        try await TestAPI.with { api in
            let (id, sample) = try await Self.machine(api)
            let path = "\(TestAPI.machines)/\(id)"
            func isEnhanced() async throws -> Bool {
                try await api.call(.get, path).decoded(InstanceAnswer.self).instance.enhancedMetrics.enabled
            }
            func granularity(_ duration: String) async throws -> Int? {
                try await api.call(.get, "\(path)/metrics?duration=\(duration)").decoded(InstanceMetrics.self)
                    .cpu.data.first?
                    .granularity
            }
            #expect(try await !isEnhanced())
            let answer = try await api.call(.patch, "\(path)/enhanced-metrics", #"{"enabled":true}"#)
            #expect(try answer.decoded(EnhancedMetricsAnswer.self).metrics.enabled)
            #expect(try await isEnhanced())
            _ = try await Self.post(NodeMetrics(machines: [sample]), api)
            #expect(try await granularity("7d") == 60)
            #expect(try await granularity("15d") == 3600)
            try await api.call(.put, "\(path)/label", #"{"labels":["front"]}"#)
            let labelled = "\(TestAPI.machines)/default/front/enhanced-metrics"
            #expect(try await api.call(.patch, labelled, #"{"enabled":false}"#).status == .ok)
            #expect(try await !isEnhanced())
            #expect(try await granularity("7d") == 300)

            for body in [#"{"enabled":"yes"}"#, "{}", #"{"enabled":true,"often":1}"#] {
                #expect(try await api.call(.patch, "\(path)/enhanced-metrics", body).status == .badRequest)
            }
            let strangers = try await api.call(
                .patch,
                "\(path)/enhanced-metrics",
                #"{"enabled":true}"#,
                key: TestAPI.strangersKey
            )
            #expect(strangers.status == .notFound)
            let made = try await api.create(["name": "other", "enhanced_monitoring_enabled": true]).first
            #expect(made?.enhancedMetrics.enabled == true)
        }
    }

    @Test("By name as by id; by label, of strangers, and with a duration that is none it is refused")
    func refusals() async throws {
        try await TestAPI.with { api in
            let (id, sample) = try await Self.machine(api)
            _ = try await Self.post(NodeMetrics(machines: [sample]), api)
            let named = try await api.call(.get, "\(TestAPI.machines)/default/web/metrics?duration=7d")
            #expect(try named.decoded(InstanceMetrics.self).networkOut.data.map(\.value) == [2])
            try await api.call(.put, "\(TestAPI.machines)/\(id)/label", #"{"labels":["front"]}"#)
            let labelled = try await api.call(.get, "\(TestAPI.machines)/default/front/metrics")
            #expect(labelled.status == .badRequest)
            let path = "\(TestAPI.machines)/\(id)/metrics"
            #expect(try await api.call(.get, path, key: TestAPI.strangersKey).status == .notFound)
            let wrong = try await api.call(.get, "\(path)?duration=2d")
            #expect(wrong.status == .badRequest)
            #expect(wrong.error?.message.contains("15d") == true, "\(wrong)")
        }
    }

    @Test("Another node's key opens no node's door, and its word on machines that it has not is not kept")
    func foreign() async throws {
        try await TestAPI.with { api in
            let (id, sample) = try await Self.machine(api)
            try await api.cloud.addNode("two")
            let metrics = NodeMetrics(machines: [sample])
            #expect(try await Self.post(metrics, key: "two", api) == .unauthorized)
            #expect(try await Self.post(metrics, to: "two", key: "two", api) == .noContent)
            var future = metrics
            future.protocolVersion = 99
            #expect(try await Self.post(future, api).kind == .clientError)
            let answer = try await api.call(.get, "\(TestAPI.machines)/\(id)/metrics")
            #expect(try answer.decoded(InstanceMetrics.self).cpu.data == [])
        }
    }
}
