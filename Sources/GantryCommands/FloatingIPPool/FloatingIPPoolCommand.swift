// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct FloatingIPPoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "floating-ip-pool",
        abstract: "For operators: the addresses by which machines are reached from outside.",
        subcommands: [
            FloatingIPPoolList.self, FloatingIPPoolShow.self, FloatingIPPoolCreate.self, FloatingIPPoolDelete.self,
        ]
    )
}
