// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

struct OrganizationCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "organization",
        abstract: "For operators: make, see, rename and delete organizations, the tenants of the cloud.",
        subcommands: [
            OrganizationList.self, OrganizationShow.self, OrganizationCreate.self, OrganizationRename.self,
            OrganizationDelete.self,
        ]
    )
}
