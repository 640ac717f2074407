// SPDX-License-Identifier: Apache-2.0

public import Configuration
import SystemPackage

/// Where the programs read their settings.
public enum SettingsSources {
    /// Environment variables with `GANTRY_` before the key's name come before the file.
    ///
    /// - Parameter file: a YAML file; nil for the environment alone.
    /// - Returns: a reader of both.
    /// - Throws: when the file cannot be read.
    public static func reader(file: String?) async throws -> ConfigReader {
        let environment = EnvironmentVariablesProvider().prefixKeys(with: "gantry")
        guard let file else { return ConfigReader(provider: environment) }
        return ConfigReader(
            providers: [environment, try await FileProvider<YAMLSnapshot>(filePath: FilePath(file))]
        )
    }
}
