// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user",
        abstract: "For operators: make, see, rename and delete users of organizations, and operators.",
        subcommands: [UserList.self, UserShow.self, UserCreate.self, UserRename.self, UserDelete.self]
    )
}
