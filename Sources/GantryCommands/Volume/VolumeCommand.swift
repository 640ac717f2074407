// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct VolumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "volume",
        abstract: "Make, list, enlarge and delete volumes; give them to machines and take them away.",
        subcommands: [
            VolumeList.self, VolumeCreate.self, VolumeResize.self, VolumeAttach.self, VolumeDetach.self,
            VolumeDelete.self,
        ]
    )
}
