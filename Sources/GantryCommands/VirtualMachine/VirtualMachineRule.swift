// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct VirtualMachineRule: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rule",
        abstract: "See, add and remove the rules of one machine; gantry firewall has those of several.",
        subcommands: [VirtualMachineRuleList.self, VirtualMachineRuleAdd.self, VirtualMachineRuleRemove.self]
    )
}
