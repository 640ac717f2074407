// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Conductor
import Logging
import Metrics
import Observability
import Settings

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the conductor (what it does without a subcommand)."
    )

    @OptionGroup var options: ConfigurationOptions

    @Flag(help: "Only check the configuration, and print what it comes to. The exit status is 0 or 1.")
    var check = false

    func run() async throws {
        let settings = try options.load()
        guard !check else { return print(settings.effective.yaml) }
        LoggingBootstrap.start(level: settings.configuration.logLevel, metadataProvider: RequestID.metadata)
        let metrics = PrometheusMetrics(help: ConductorMetrics.help)
        MetricsSystem.bootstrap(metrics)
        let program = ConductorProgram(
            settings,
            readAgain: { try options.load() },
            health: Health(),
            metrics: metrics,
            logger: Logger(label: "gantry-conductor")
        )
        try await program.run()
    }
}
