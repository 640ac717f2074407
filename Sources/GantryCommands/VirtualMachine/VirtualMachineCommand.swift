// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct VirtualMachineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vm",
        abstract: "Make virtual machines, look at them, start and stop them, delete them.",
        subcommands: [
            VirtualMachineList.self, VirtualMachineShow.self, VirtualMachineCreate.self, VirtualMachineDelete.self,
            VirtualMachineStart.self, VirtualMachineStop.self, VirtualMachineReboot.self, VirtualMachineHibernate.self,
            VirtualMachineRestore.self, VirtualMachineResize.self, VirtualMachineSSH.self, VirtualMachineConsole.self,
            VirtualMachineLog.self, VirtualMachineEvents.self, VirtualMachineMetrics.self,
            VirtualMachineEnhancedMetrics.self, VirtualMachineAttachFloatingIP.self,
            VirtualMachineDetachFloatingIP.self, VirtualMachineRule.self, VirtualMachineSetFirewalls.self,
            VirtualMachineLabel.self, VirtualMachineSetKeys.self, VirtualMachineSetCallback.self,
            VirtualMachineRemoveCallback.self,
        ]
    )
}
