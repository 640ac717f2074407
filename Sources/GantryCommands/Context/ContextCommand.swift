// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ContextCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "context",
        abstract: "Remember clouds with your keys, and choose the one that commands are for.",
        subcommands: [ContextList.self, ContextAdd.self, ContextUse.self, ContextRemove.self]
    )
}

/// A context by its name.
struct ContextReference: ParsableArguments {
    @Argument(help: "The context's name.", completion: .contexts)
    var name: String
}

extension CompletionKind {
    /// Completes by the clouds that are remembered.
    static var contexts: CompletionKind {
        .custom { _, _, _ in (try? ContextFile.standard.read().contexts.keys.sorted()) ?? [] }
    }
}
