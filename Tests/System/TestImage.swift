// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// A guest's image, built when it is not yet.
struct TestImage: Sendable {
    let path: String
    let sha256: String
    /// Who may log in.
    let user: String

    static func micro() async throws -> TestImage { try await build("micro", user: "gantry") }
    static func debian() async throws -> TestImage { try await build("debian", user: "debian") }

    private static func build(_ name: String, user: String) async throws -> TestImage {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["GANTRY_CACHE"] ?? (environment["HOME"] ?? "/root") + "/.cache/gantry"
        let folder = environment["GANTRY_IMAGES"] ?? cache + "/images"
        try await shell(Repository.path("Packaging/images/build"), name, folder)
        let digest = try String(contentsOfFile: "\(folder)/\(name).sha256", encoding: .utf8)
        return TestImage(
            path: "\(folder)/\(name).qcow2",
            sha256: digest.trimmingCharacters(in: .whitespacesAndNewlines),
            user: user
        )
    }
}
