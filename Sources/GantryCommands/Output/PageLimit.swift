// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// How much of a long list is shown.
struct PageLimit: ParsableArguments {
    @Option(help: "How many of the newest: 1 to 100.")
    var limit = 50

    func validate() throws {
        guard (1...100).contains(limit) else { throw ValidationError("--limit is \(limit); it can be 1 to 100.") }
    }
}
