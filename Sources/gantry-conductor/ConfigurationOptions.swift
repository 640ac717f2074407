// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Conductor
import Settings

/// Where a command reads its configuration.
struct ConfigurationOptions: ParsableArguments {
    @Option(help: "The configuration file, YAML. Environment variables with GANTRY_ before the key's name come first.")
    var config: String?

    /// What the file and the environment say now.
    func load() throws -> SettingsReload<ConductorConfiguration>.Reading {
        let settings = SettingsReader(try SettingsSources(file: config, program: "gantry-conductor"))
        return (try ConductorConfiguration(settings), settings.effective)
    }

    /// Runs a command that works on the database and the broker by itself, without a running conductor.
    func withParts<Value>(_ body: (ConductorParts) async throws -> Value) async throws -> Value {
        let parts = try ConductorParts(load().configuration)
        let result: Result<Value, any Error>
        do {
            try await Schema.migrate(parts.database)
            result = .success(try await body(parts))
        } catch {
            result = .failure(error)
        }
        try await parts.shutDown()
        return try result.get()
    }
}
