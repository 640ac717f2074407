// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct OrphanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "orphan",
        abstract: "Machines that only their hosts know of, as after a restored backup. For operators.",
        subcommands: [OrphanList.self, OrphanRemove.self]
    )
}
