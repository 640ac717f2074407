// SPDX-License-Identifier: Apache-2.0

public import Metrics
import Synchronization

/// Collects swift-metrics and writes them in Prometheus' text format 0.0.4.
///
/// Names have their dots turned into underscores. Counters end in `_total`; timers are histograms in seconds, ending in
/// `_seconds`; recorders are histograms, or gauges when they do not aggregate.
public final class PrometheusMetrics: MetricsFactory {
    private let families = Mutex<[String: MetricFamily]>([:])
    private let help: [String: String]

    /// - Parameter help: What each metric says, by its name in the text. One that is missing is written without.
    public init(help: [String: String] = [:]) {
        self.help = help
    }

    // MARK: MetricsFactory

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(.counter, label, suffix: "_total", dimensions)
    }

    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(.counter, label, suffix: "_total", dimensions)
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(.gauge, label, dimensions)
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        series(aggregate ? .histogram : .gauge, label, dimensions)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(.histogram, label, suffix: "_seconds", dimensions)
    }

    public func destroyCounter(_ handler: any CounterHandler) { forget(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { forget(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { forget(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { forget(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { forget(handler) }

    // MARK: Text

    /// Everything collected so far, families by name.
    public var text: String {
        let families = self.families.withLock { $0 }
        return families.sorted { $0.key < $1.key }.map { $0.value.text(name: $0.key, help: help[$0.key]) }.joined()
    }

    private func series(
        _ kind: MetricFamily.Kind,
        _ label: String,
        suffix: String = "",
        _ dimensions: [(String, String)]
    ) -> MetricSeries {
        let base = Self.sanitized(label)
        let name = base.hasSuffix(suffix) ? base : base + suffix
        let labels =
            dimensions
            .map { "\(Self.sanitized($0.0))=\"\(Self.escaped($0.1))\"" }
            .sorted()
            .joined(separator: ",")
        return families.withLock { families in
            families[name, default: MetricFamily(kind: kind)].series(labels)
        }
    }

    private func forget(_ handler: AnyObject) {
        families.withLock { families in
            for name in families.keys { families[name]?.remove(handler) }
        }
    }

    /// A name of letters, digits and underscores.
    private static func sanitized(_ name: String) -> String {
        let body = name.unicodeScalars.map { scalar in
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)) ? Character(scalar) : "_"
        }
        return body.first?.isNumber == true ? "_" + String(body) : String(body)
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
