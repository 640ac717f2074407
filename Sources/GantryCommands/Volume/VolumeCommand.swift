// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Make, list, enlarge and delete volumes; give them to machines and take them away.",
        subcommands: [
            VolumeList.self, VolumeShow.self, VolumeCreate.self, VolumeResize.self, VolumeUpdate.self,
            VolumeAttach.self, VolumeDetach.self, VolumeProtect.self, VolumeSetCallback.self, VolumeRemoveCallback.self,
            VolumeDelete.self, VolumeTypes.self,
        ]
    )
}
