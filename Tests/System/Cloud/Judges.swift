// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// Programs of others that judge the API, and our scripts in `SDK` that use them.
enum Judges {
    private static let scripts = Repository.path("Tests/System/SDK")

    /// Runs one of the scripts and returns what it says; its packages are installed when they are not yet.
    static func run(_ script: String, _ arguments: String...) async throws -> String {
        let output = try await GantryTestSupport.run(try await python(), ["-B", "\(scripts)/\(script)"] + arguments)
        guard output.status == 0 else {
            throw CommandFailure(description: "\(script): \(output.text)\(output.errorText)")
        }
        return output.text
    }

    private static func python() async throws -> String {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["GANTRY_CACHE"] ?? (environment["HOME"] ?? "/root") + "/.cache/gantry"
        let make = Repository.path("Packaging/dev/python-environment")
        return try await shell(make, "\(scripts)/requirements.txt", "\(cache)/judges")
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
