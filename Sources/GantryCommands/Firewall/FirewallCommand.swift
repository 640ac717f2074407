// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct FirewallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "firewall",
        abstract: "Rules that machines of an environment have in common.",
        subcommands: [
            FirewallList.self, FirewallShow.self, FirewallCreate.self, FirewallDelete.self, FirewallRule.self,
            FirewallAttach.self, FirewallDetach.self, FirewallProtocols.self,
        ]
    )
}
