// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct VirtualMachineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vm",
        abstract: "Make virtual machines, look at them, start and stop them, delete them.",
        subcommands: [
            VirtualMachineList.self, VirtualMachineShow.self, VirtualMachineCreate.self, VirtualMachineDelete.self,
            VirtualMachineStart.self, VirtualMachineStop.self, VirtualMachineReboot.self, VirtualMachineHibernate.self,
            VirtualMachineRestore.self, VirtualMachineSSH.self, VirtualMachineConsole.self, VirtualMachineLog.self,
            VirtualMachineAttachFloatingIP.self, VirtualMachineDetachFloatingIP.self,
        ]
    )
}
