// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ContextUse: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "use", abstract: "Choose the cloud for commands.")

    @OptionGroup var reference: ContextReference

    func run() throws {
        _ = try ContextFile.standard.context(reference.name)
        var content = try ContextFile.standard.read()
        content.current = reference.name
        try ContextFile.standard.write(content)
        print("Commands are for \(reference.name) from now on.")
    }
}
