// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct APIKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-key",
        abstract: "Make, list, change and revoke API keys: your own, and for operators those of users.",
        subcommands: [APIKeyList.self, APIKeyCreate.self, APIKeyUpdate.self, APIKeyRevoke.self]
    )
}
