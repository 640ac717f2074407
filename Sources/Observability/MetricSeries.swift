// SPDX-License-Identifier: Apache-2.0

import Metrics
import Synchronization

/// One series: a number that is set or counted up, or a histogram.
final class MetricSeries: Sendable {
    /// From half a millisecond to ten minutes; the same for every histogram, so that they can be added up.
    private static let bounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
    ]

    private struct State {
        /// The value of a counter or gauge, the sum of a histogram.
        var value = 0.0
        /// Observations up to each bound, the last without one. Not cumulative.
        var buckets: [Int64]
    }

    private let kind: MetricFamily.Kind
    private let state: Mutex<State>

    init(kind: MetricFamily.Kind) {
        self.kind = kind
        state = Mutex(State(buckets: kind == .histogram ? Array(repeating: 0, count: Self.bounds.count + 1) : []))
    }

    func text(name: String, labels: String) -> String {
        let state = self.state.withLock { $0 }
        guard kind == .histogram else {
            return "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(state.value)\n"
        }
        let prefix = labels.isEmpty ? "" : labels + ","
        var count: Int64 = 0
        var lines = ""
        for (bound, observed) in zip(Self.bounds.map { "\($0)" } + ["+Inf"], state.buckets) {
            count += observed
            lines += "\(name)_bucket{\(prefix)le=\"\(bound)\"} \(count)\n"
        }
        let suffix = labels.isEmpty ? "" : "{\(labels)}"
        return lines + "\(name)_sum\(suffix) \(state.value)\n\(name)_count\(suffix) \(count)\n"
    }

    private func add(_ amount: Double) {
        state.withLock { $0.value += amount }
    }

    private func observe(_ value: Double) {
        guard kind == .histogram else { return set(value) }
        let bucket = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
        state.withLock { state in
            state.value += value
            state.buckets[bucket] += 1
        }
    }
}

extension MetricSeries: CounterHandler, FloatingPointCounterHandler {
    func increment(by amount: Int64) { add(Double(amount)) }
    func reset() { set(0.0) }
}

extension MetricSeries: MeterHandler {
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { state.withLock { $0.value = value } }
    func increment(by amount: Double) { add(amount) }
    func decrement(by amount: Double) { add(-amount) }
}

extension MetricSeries: RecorderHandler, TimerHandler {
    func record(_ value: Int64) { observe(Double(value)) }
    func record(_ value: Double) { observe(value) }
    func recordNanoseconds(_ duration: Int64) { observe(Double(duration) / 1e9) }
}
