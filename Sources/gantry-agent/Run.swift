// SPDX-License-Identifier: Apache-2.0

import Agent
import ArgumentParser
import Foundation
import Logging
import Metrics
import Observability
import Settings

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run the agent (what it does without a subcommand).")

    @Option(help: "The configuration file, YAML. Environment variables with GANTRY_ before the key's name come first.")
    var config: String?

    func run() async throws {
        let configuration = try AgentConfiguration(await SettingsSources.reader(file: config))
        LoggingBootstrap.start(level: configuration.logLevel)
        let metrics = PrometheusMetrics(help: AgentMetrics.help)
        MetricsSystem.bootstrap(metrics)
        var logger = Logger(label: "gantry-agent")
        logger[metadataKey: "node.name"] = "\(configuration.nodeName)"
        let program = AgentProgram(
            configuration,
            health: Health(),
            metrics: metrics,
            observer: KillSwitch.observer(from: ProcessInfo.processInfo.environment),
            logger: logger
        )
        do {
            try await program.run()
        } catch let error as ConductorError {
            logger.critical("Stopped", metadata: ["error": "\(error)"])
            // EX_CONFIG of sysexits: a restart alone will not help.
            throw ExitCode(78)
        }
    }
}
