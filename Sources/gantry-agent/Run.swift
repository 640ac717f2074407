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

    @Flag(help: "Only check the configuration, and print what it comes to. The exit status is 0 or 1.")
    var check = false

    func run() async throws {
        let settings = try load()
        guard !check else { return print(settings.effective.yaml) }
        let configuration = settings.configuration
        LoggingBootstrap.start(level: configuration.logLevel)
        let metrics = PrometheusMetrics(help: AgentMetrics.help)
        MetricsSystem.bootstrap(metrics)
        var logger = Logger(label: "gantry-agent")
        logger[metadataKey: "node.name"] = "\(configuration.nodeName)"
        let program = AgentProgram(
            settings,
            readAgain: { try load() },
            health: Health(),
            metrics: metrics,
            observer: KillSwitch.observer(from: ProcessInfo.processInfo.environment),
            logger: logger
        )
        do {
            try await program.run()
        } catch ConductorError.sessionOver(let text) {
            logger.error("A new session has to begin", metadata: ["error": "\(text)"])
            // EX_TEMPFAIL: the next start begins it.
            throw ExitCode(75)
        } catch let error as ConductorError {
            logger.critical("Stopped", metadata: ["error": "\(error)"])
            // EX_CONFIG of sysexits: a restart alone will not help.
            throw ExitCode(78)
        }
    }

    /// What the file and the environment say now.
    private func load() throws -> SettingsReload<AgentConfiguration>.Reading {
        let settings = SettingsReader(try SettingsSources(file: config, program: "gantry-agent"))
        return (try AgentConfiguration(settings), settings.effective)
    }
}
