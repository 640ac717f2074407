// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// A host in namespaces, with a libvirt of its own.
final class TestHost: Sendable {
    let name: String
    let folder: String
    private let watch: ExitWatch
    private static let script = Repository.path("Packaging/dev/host")

    init(name: String, folder: String) throws {
        (self.name, self.folder) = (name, folder)
        watch = try ExitWatch(Self.script, "down", name, folder)
    }

    /// Where its agent keeps its files.
    var agentFolder: String { folder + "/agent" }

    /// What to put before a command to run it in the host; the command takes the process' place.
    var entry: [String] { [Self.script, "exec", name, folder] }

    /// Starts it without a way to anywhere.
    func up() async throws {
        try await shell(Self.script, "up", name, folder)
    }

    func up(uplink: String, fabric: String) async throws {
        try await shell(Self.script, "up", name, folder, "--uplink", uplink, "--fabric", fabric)
    }

    func down() async throws {
        try await shell(Self.script, "down", name, folder)
        watch.callOff()
    }

    /// Makes a port of this machine's loopback the host's too.
    func forward(_ port: Int) async throws {
        try await shell(Self.script, "forward", name, folder, "\(port)")
    }

    /// Kills its libvirtd; guests run on.
    func stopLibvirtd() async throws {
        try await shell(Self.script, "stop-libvirtd", name, folder)
    }

    func startLibvirtd() async throws {
        try await shell(Self.script, "start-libvirtd", name, folder)
    }

    /// Ends all that runs in it, as a power cut would, and starts it again with the same disk.
    func reboot() async throws {
        try await shell(Self.script, "reboot", name, folder)
    }

    /// Runs a command in the host.
    @discardableResult
    func exec(_ arguments: String...) async throws -> String {
        let output = try await run(entry[0], entry.dropFirst() + arguments)
        guard output.status == 0 else {
            throw CommandFailure(description: "\(arguments.joined(separator: " ")) in \(name): \(output.errorText)")
        }
        return output.text
    }

    /// The lines of its agent's log.
    var log: [Substring] {
        ((try? String(contentsOfFile: folder + "/agent.log", encoding: .utf8)) ?? "").split(separator: "\n")
    }

    /// The names and command lines of everything in the host's network namespace.
    func processes() async throws -> [(name: String, commandLine: String)] {
        try await shell("ip", "netns", "pids", name).split(separator: "\n")
            .compactMap { pid in
                guard let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8),
                    let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8)
                else { return nil }
                return (name.trimmingCharacters(in: .newlines), line.replacing("\0", with: " "))
            }
    }
}
