// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ContextRemove: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Forget a cloud, its key and its machines' host keys."
    )

    @OptionGroup var reference: ContextReference

    func run() throws {
        _ = try ContextFile.standard.context(reference.name)
        var content = try ContextFile.standard.read()
        content.contexts[reference.name] = nil
        if content.current == reference.name { content.current = nil }
        try ContextFile.standard.write(content)
        KnownHosts(reference.name, beside: .standard).remove()
        print("\(reference.name) is forgotten.")
    }
}
