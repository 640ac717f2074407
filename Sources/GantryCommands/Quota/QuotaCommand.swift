// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct QuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota",
        abstract: "See how much an organization may have; for operators, set it.",
        subcommands: [QuotaShow.self, QuotaSet.self]
    )
}
