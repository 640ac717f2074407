// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
package import Logging

/// Tells the conductor what the running machines have used, again and again.
///
/// It is a hint for tenants: what could not be measured or told is not told later, and nothing waits for it.
package struct MetricsSender: Sendable {
    private let conductor: any ConductorConnection
    private let host: any Host
    private let logger: Logger

    package init(conductor: any ConductorConnection, host: any Host, logger: Logger) {
        (self.conductor, self.host, self.logger) = (conductor, host, logger)
    }

    /// Measures and tells until cancelled, at most `interval` seconds apart.
    package func run(interval: Int) async throws {
        while true {
            // Sooner by a random part, so that the agents of many nodes do not all come at once.
            try await Task.sleep(for: .seconds(Double(interval) * Double.random(in: 0.9...1)))
            await tell()
        }
    }

    private func tell() async {
        do {
            let samples = try await host.samples()
            guard !samples.isEmpty else { return }
            try await conductor.send(NodeMetrics(machines: samples))
        } catch {
            logger.notice("What machines used was not told", metadata: ["error": "\(error)"])
        }
    }
}
