// SPDX-License-Identifier: Apache-2.0

public import Metrics
import Synchronization

/// Gauges of one name, each with its labels, of which those go that are not measured any more: what is gone must not be
/// told for ever.
public final class GaugeFamily: Sendable {
    public typealias Labels = [String: String]

    private let name: String
    private let factory: any MetricsFactory
    private let gauges = Mutex<[Labels: Gauge]>([:])

    public init(_ name: String, factory: any MetricsFactory = MetricsSystem.factory) {
        (self.name, self.factory) = (name, factory)
    }

    /// Replaces all values.
    public func record(_ values: [Labels: Double]) {
        gauges.withLock { gauges in
            for (labels, gauge) in gauges where values[labels] == nil {
                gauge.destroy()
                gauges[labels] = nil
            }
            for (labels, value) in values {
                let dimensions = labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
                let gauge = gauges[labels] ?? Gauge(label: name, dimensions: dimensions, factory: factory)
                gauges[labels] = gauge
                gauge.record(value)
            }
        }
    }

    /// Replaces its only value, which has no labels.
    public func record(_ value: Double) { record([[:]: value]) }
}
