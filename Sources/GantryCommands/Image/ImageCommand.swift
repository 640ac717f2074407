// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct ImageCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image",
        abstract: "See the images that machines can boot; offer some, delete your own.",
        subcommands: [ImageList.self, ImageShow.self, ImageCreate.self, ImageDelete.self]
    )
}
