// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct KeypairCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Bring, list and delete the public keys that let you in to machines.",
        subcommands: [KeypairList.self, KeypairAdd.self, KeypairRename.self, KeypairDelete.self, KeypairTypes.self]
    )
}
