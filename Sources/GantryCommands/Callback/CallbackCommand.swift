// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct CallbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "callback",
        abstract: "See what was posted to callback URLs, post it again, make the secret that signs it.",
        subcommands: [CallbackList.self, CallbackReplay.self, CallbackSecret.self, CallbackRotateSecret.self]
    )
}
