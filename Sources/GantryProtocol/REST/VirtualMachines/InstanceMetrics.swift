// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// `GET /v1/core/virtual-machines/{id}/metrics`: what a machine used. It has no envelope, as the vendor's has none.
public struct InstanceMetrics: Codable, Sendable, Hashable {
    public var cpu: MetricSeries
    public var memory: MetricSeries
    public var networkIn: MetricSeries
    public var networkOut: MetricSeries
    public var diskRead: MetricSeries
    public var diskWrite: MetricSeries

    public init(
        cpu: MetricSeries,
        memory: MetricSeries,
        networkIn: MetricSeries,
        networkOut: MetricSeries,
        diskRead: MetricSeries,
        diskWrite: MetricSeries
    ) {
        (self.cpu, self.memory) = (cpu, memory)
        (self.networkIn, self.networkOut) = (networkIn, networkOut)
        (self.diskRead, self.diskWrite) = (diskRead, diskWrite)
    }

    private enum CodingKeys: String, CodingKey {
        case cpu
        case memory = "memory.usages"
        case networkIn = "network.in"
        case networkOut = "network.out"
        case diskRead = "disk.read"
        case diskWrite = "disk.write"
    }
}

/// One metric over time, oldest first.
public struct MetricSeries: Codable, Sendable, Hashable {
    /// `ns`, `MB` (2^20 bytes) or `B`.
    public var unit: String
    /// What a point's elements are.
    public var columns: [String]
    public var data: [MetricPoint]

    public init(unit: String, data: [MetricPoint]) {
        (self.unit, self.data) = (unit, data)
        columns = ["time", "granularity", "value"]
    }
}

/// A point of a metric, written as an array of three.
public struct MetricPoint: Codable, Sendable, Hashable {
    /// The begin of the interval that it stands for.
    public var time: Date
    /// The interval's seconds.
    public var granularity: Int
    public var value: Int64

    public init(time: Date, granularity: Int, value: Int64) {
        (self.time, self.granularity, self.value) = (time, granularity, value)
    }

    public init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        let text = try container.decode(String.self)
        guard text.hasSuffix(Self.zone),
            let time = try? Date(String(text.dropLast(Self.zone.count)), strategy: Self.style)
        else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "“\(text)” is no time; it is written as in 2026-01-31T23:59:00+00:00."
            )
        }
        self.time = time
        granularity = try container.decode(Int.self)
        value = try container.decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.unkeyedContainer()
        try container.encode(time.formatted(Self.style) + Self.zone)
        try container.encode(granularity)
        try container.encode(value)
    }

    /// These times, unlike all others of the API, name their zone.
    private static let zone = "+00:00"
    private static let style = Date.ISO8601FormatStyle(timeZone: .gmt)
        .year().month().day().dateSeparator(.dash)
        .time(includingFractionalSeconds: false).timeSeparator(.colon).dateTimeSeparator(.standard)
}
