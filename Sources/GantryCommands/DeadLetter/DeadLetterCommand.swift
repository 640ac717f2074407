// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct DeadLetterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letter",
        abstract: "For operators: see and delete messages that no node took.",
        subcommands: [DeadLetterList.self, DeadLetterShow.self, DeadLetterDelete.self]
    )
}
