// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct FirewallRule: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule",
        abstract: "Add and remove a firewall's rules, which gantry firewall show lists.",
        subcommands: [FirewallRuleAdd.self, FirewallRuleRemove.self]
    )
}
