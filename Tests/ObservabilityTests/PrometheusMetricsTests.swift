// SPDX-License-Identifier: Apache-2.0

import Metrics
import Observability
import Testing

@Suite("Metrics are written in Prometheus' text format")
struct PrometheusMetricsTests {
    let metrics = PrometheusMetrics()

    @Test("A counter adds up, per label set, and ends in _total")
    func counter() {
        let ok = Counter(label: "http.requests", dimensions: [("code", "200")], factory: metrics)
        ok.increment()
        Counter(label: "http.requests", dimensions: [("code", "200")], factory: metrics).increment(by: 2)
        Counter(label: "http.requests", dimensions: [("code", "404")], factory: metrics).increment()
        #expect(
            metrics.text == """
                # TYPE http_requests_total counter
                http_requests_total{code="200"} 3.0
                http_requests_total{code="404"} 1.0

                """
        )
    }

    @Test("Of a family of gauges those go that are not measured any more; what a metric says is written above it")
    func family() {
        let metrics = PrometheusMetrics(help: ["node_age": "Time since a node's last report."])
        let ages = GaugeFamily("node.age", factory: metrics)
        ages.record([["node": "a"]: 1, ["node": "b"]: 2])
        ages.record([["node": "b"]: 3])
        #expect(
            metrics.text == """
                # HELP node_age Time since a node's last report.
                # TYPE node_age gauge
                node_age{node="b"} 3.0

                """
        )
        ages.record([:])
        #expect(metrics.text.isEmpty)
    }

    @Test("A timer is a cumulative histogram in seconds")
    func timer() {
        let timer = Timer(label: "step.duration", factory: metrics)
        timer.recordNanoseconds(20_000_000)
        timer.recordNanoseconds(700_000_000_000)
        let lines = metrics.text.split(separator: "\n")
        #expect(lines.first == "# TYPE step_duration_seconds histogram")
        #expect(lines.contains("step_duration_seconds_bucket{le=\"0.01\"} 0"))
        #expect(lines.contains("step_duration_seconds_bucket{le=\"0.025\"} 1"))
        #expect(lines.contains("step_duration_seconds_bucket{le=\"+Inf\"} 2"))
        #expect(lines.contains("step_duration_seconds_sum 700.02"))
        #expect(lines.contains("step_duration_seconds_count 2"))
    }

    @Test("A gauge keeps the last value, and a destroyed one is gone")
    func gauge() {
        let gauge = Gauge(label: "nodes", factory: metrics)
        gauge.record(3)
        gauge.record(2)
        #expect(metrics.text.contains("nodes 2.0\n"))
        gauge.destroy()
        #expect(metrics.text.isEmpty)
    }

    @Test("Quotes, backslashes and line feeds in a label's value are escaped")
    func escaping() {
        Counter(label: "odd", dimensions: [("why", "a\"b\\c\nd")], factory: metrics).increment()
        #expect(metrics.text.contains(#"odd_total{why="a\"b\\c\nd"} 1.0"#))
    }
}
