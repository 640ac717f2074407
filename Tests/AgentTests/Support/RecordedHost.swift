// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// Makes the files and links of a host that `Packaging/gpu/record` wrote, in a directory that is lent.
func withRecordedHost(_ name: String, _ body: (String) async throws -> Void) async throws {
    try await withTemporaryDirectory { root in
        try await unpackHost(name, below: root)
        try await body(root)
    }
}

func unpackHost(_ name: String, below root: String) async throws {
    let file = Repository.path("Tests/AgentTests/Fixtures/gpu/\(name).txt")
    try await shell(Repository.path("Packaging/gpu/unpack"), file, root)
}
