// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryTestSupport
import Testing

@Suite("Programs and packages have one version")
struct VersionTests {
    @Test("What the programs say is the changelog's newest entry")
    func version() throws {
        let changelog = try String(contentsOfFile: Repository.path("Packaging/debian/changelog"), encoding: .utf8)
        let newest = try #require(changelog.firstMatch(of: /^gantry \(([0-9.]+)\)/))
        #expect(String(newest.1) == GantryVersion.current)
    }
}
