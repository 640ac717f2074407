// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Testing

/// Compares a text with the file of that name in `Tests/AgentTests/Golden`, and fails with their difference.
///
/// With `GANTRY_UPDATE_GOLDEN=1` the file is written instead.
func expectGolden(_ text: String, _ name: String, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let path = Repository.path("Tests/AgentTests/Golden/\(name)")
    if ProcessInfo.processInfo.environment["GANTRY_UPDATE_GOLDEN"] == "1" {
        return try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let known = FileManager.default.fileExists(atPath: path) ? path : "/dev/null"
    let difference = try await run(
        "diff",
        ["-u", "--label", "Golden/\(name)", "--label", "now", known, "-"],
        input: text
    )
    guard difference.status != 0 else { return }
    let advice = "If this is as it should be: GANTRY_UPDATE_GOLDEN=1 swift test --filter AgentTests"
    Issue.record("\(difference.text)\(difference.errorText)\(advice)", sourceLocation: sourceLocation)
}
