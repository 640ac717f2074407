// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct VirtualMachineSSH: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ssh",
        abstract: "Log in to a machine over its floating IP.",
        discussion: """
            ssh is run with your own configuration and keys. What follows -- goes to it: options, which win over those that \
            are set here, and a command for the machine, such as `gantry vm ssh web -- uptime`. The key that a machine \
            shows first is kept under its UUID and asked for from then on. The exit status is ssh's.
            """
    )

    @OptionGroup var reference: MachineReference

    @Option(help: "The user; without one the usual of the image's distribution.")
    var user: String?

    @Option(name: .shortAndLong, help: "The file of your private key.", completion: .file())
    var identity: String?

    @Argument(parsing: .postTerminator, help: "What goes to ssh after the machine.")
    var command: [String] = []

    @OptionGroup var connection: Connection

    func run() async throws {
        let knownHosts = KnownHosts(try connection.cloud().name, beside: .standard)
        try knownHosts.prepare()
        var arguments: [String] = []
        try await connection.run { client throws(ClientError) in
            arguments = try self.arguments(for: try await reference.find(client), knownHosts)
        }
        // This process becomes ssh, whose exit status is the command's.
        execvp("ssh", (["ssh"] + arguments).map { strdup($0) } + [nil])
        throw ValidationError("ssh cannot be run: \(String(cString: strerror(errno))). Is openssh-client installed?")
    }

    private func arguments(
        for machine: InstanceBody,
        _ knownHosts: KnownHosts
    ) throws(ClientError) -> [String] {
        guard let address = machine.floatingIP, machine.floatingIPStatus == "ATTACHED" else {
            let message = "\(machine.name) has no floating IP; gantry vm attach-floating-ip gives it one."
            throw .refused(409, "no_floating_ip", message)
        }
        guard let user = user ?? Self.user(of: machine.os) else {
            throw .refused(400, "bad_request", "Nobody knows who logs in to \(machine.os); say it with --user.")
        }
        let given = SSHArguments(command)
        // ssh takes the first value of an option, so what the person says comes first.
        return given.options + (identity.map { ["-i", $0] } ?? []) + knownHosts.options(for: machine.uuid)
            + ["\(user)@\(address)"] + given.command
    }

    /// Whom the distributions' cloud images let in.
    private static func user(of system: String) -> String? {
        let users = [
            "debian": "debian", "ubuntu": "ubuntu", "rocky": "rocky", "almalinux": "almalinux", "fedora": "fedora",
            "centos": "cloud-user", "opensuse": "opensuse", "arch": "arch",
        ]
        let words = system.lowercased().split(whereSeparator: \.isWhitespace)
        return words.lazy.compactMap { users[String($0)] }.first
    }
}
