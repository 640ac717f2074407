// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ContextList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the clouds that are known.")

    func run() throws {
        let content = try ContextFile.standard.read()
        var table = Table("NAME", "URL", "IN USE")
        for (name, context) in content.contexts.sorted(by: { $0.key < $1.key }) {
            table.add(name, context.url, name == content.current ? "yes" : "-")
        }
        print(table.text)
    }
}
