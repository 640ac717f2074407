// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Conductor
import Logging
import Metrics
import Observability

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the conductor (what it does without a subcommand)."
    )

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let configuration = try await options.load()
        LoggingBootstrap.start(level: Logger.Level(rawValue: configuration.logLevel) ?? .info)
        let metrics = PrometheusMetrics(help: ConductorMetrics.help)
        MetricsSystem.bootstrap(metrics)
        let program = ConductorProgram(
            configuration,
            health: Health(),
            metrics: metrics,
            logger: Logger(label: "gantry-conductor")
        )
        try await program.run()
    }
}
