// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct SnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Keep what is on machines' disks, and make machines of it.",
        subcommands: [
            SnapshotList.self, SnapshotShow.self, SnapshotCreate.self, SnapshotRestore.self, SnapshotCreateImage.self,
            SnapshotDelete.self,
        ]
    )
}
