// SPDX-License-Identifier: Apache-2.0

import Conductor
import Logging
import Metrics
import Observability

extension PrometheusMetrics {
    /// The value of a series by its name and labels as they are written; nil of none.
    func value(of series: String) -> Double? {
        text.split(separator: "\n").first { $0.hasPrefix("\(series) ") }
            .flatMap { Double($0.dropFirst(series.count + 1)) }
    }
}

extension Cloud {
    /// What a conductor that starts now tells Prometheus of the cloud.
    func measured() async -> PrometheusMetrics {
        let metrics = PrometheusMetrics()
        let measures = withMetricsFactory(metrics) {
            CloudMeasures(database: database, broker: nil, logger: Logger(label: "test"))
        }
        await measures.measure()
        return metrics
    }
}
