// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
import GantryModel

/// `gantry`: tenants' and operators' work at the command line.
public struct GantryCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "gantry",
        abstract: "Virtual machines of a Gantry cloud.",
        discussion: """
            Which cloud a command is for: --context says it, or GANTRY_URL with the key in GANTRY_API_KEY, or the context \
            that is in use (`gantry context`). GANTRY_TLS_AUTHORITIES names the file of a cloud's own certificate \
            authority, before the one that the context has.

            The exit status is 0 when it worked, 1 when the conductor said no or what was waited for failed, 2 when the \
            conductor cannot be reached, and 64 for a wrong command or a cloud that is not known. Errors go to standard \
            error: with --output json as one line of JSON, with --output yaml as YAML, each with a stable error_reason. \
            Nothing is ever in colour, so NO_COLOR is met.
            """,
        version: GantryVersion.current,
        subcommands: [
            ContextCommand.self, VirtualMachineCommand.self, VolumeCommand.self, SnapshotCommand.self,
            KeypairCommand.self, EnvironmentCommand.self, FirewallCommand.self, ProfileCommand.self,
            CallbackCommand.self, FlavorCommand.self, ImageCommand.self, RegionCommand.self, QuotaCommand.self,
            APIKeyCommand.self, OrganizationCommand.self, UserCommand.self, FloatingIPPoolCommand.self,
            NodeCommand.self, GPUCommand.self, OrphanCommand.self, DeadLetterCommand.self,
        ]
    )

    public init() {}
}
