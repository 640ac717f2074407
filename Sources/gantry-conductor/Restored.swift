// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Conductor
import GantryModel

struct Restored: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say that the database was restored, where the conductor cannot see it by itself.",
        discussion: """
            The conductor sees that its tables were made anew or are in another cluster. A copy of the cluster's files that \
            took the place of the cluster looks the same: say it before the conductor is started. No node takes machines \
            until its agent has said what its host holds. With --without nothing begins: what is under way goes on without \
            these nodes.
            """
    )

    @Option(help: "A node whose host does not come back: nobody waits for it any more. May be given several times.")
    var without: [String] = []

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let lost = try without.map { try NodeName($0) }
        guard lost.isEmpty else {
            try await options.withParts { try await Restoration.goOn($0.database, without: lost) }
            return print("Nobody waits for \(without.joined(separator: ", ")) any more.")
        }
        try await options.withParts { try await Restoration.begin($0.database) }
        print("Each node takes machines again when its agent has said what its host holds.")
    }
}
