// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// A host in namespaces, with a libvirt of its own, and the agent on it as a real process.
final class TestHost: Sendable {
    let name: String
    let folder: String
    private let script = Repository.path("Packaging/dev/host")

    init(name: String, folder: String) {
        (self.name, self.folder) = (name, folder)
    }

    var agentFolder: String { folder + "/agent" }

    func up(uplink: String, fabric: String) async throws {
        try await shell(script, "up", name, folder, "--uplink", uplink, "--fabric", fabric)
    }

    func down() async throws {
        try await shell(script, "down", name, folder)
    }

    /// Makes a port of this machine's loopback the host's too.
    func forward(_ port: Int) async throws {
        try await shell(script, "forward", name, folder, "\(port)")
    }

    func restartLibvirtd() async throws {
        try await shell(script, "restart-libvirtd", name, folder)
    }

    /// Runs a command in the host.
    @discardableResult
    func exec(_ arguments: String...) async throws -> String {
        let output = try await run(script, ["exec", name, folder] + arguments)
        guard output.status == 0 else {
            throw CommandFailure(description: "\(arguments.joined(separator: " ")) in \(name): \(output.errorText)")
        }
        return output.text
    }

    /// The end of the agent's log, for a failed test's output.
    var lastWords: String {
        let log = (try? String(contentsOfFile: folder + "/agent.log", encoding: .utf8)) ?? "no agent ran"
        return log.split(separator: "\n").suffix(40).joined(separator: "\n")
    }

    /// The process ids of everything in the host's network namespace, with their names.
    func processes() async throws -> [String] {
        try await shell("ip", "netns", "pids", name).split(separator: "\n")
            .map { pid in
                let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)
                return name?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "gone"
            }
    }
}

/// A running agent.
final class AgentProcess: @unchecked Sendable {
    // `Process` is not Sendable; it is written in init alone and read by the two methods, which it allows from any thread.
    private let process = Process()

    /// Starts the agent in a host.
    ///
    /// - Parameters:
    ///   - host: Where it runs.
    ///   - environment: Its configuration.
    ///   - log: A file that its log is added to.
    /// - Throws: when it cannot be started.
    init(in host: TestHost, environment: [String: String], log: String) throws {
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let output = try FileHandle(forWritingTo: URL(filePath: log))
        try output.seekToEnd()
        process.executableURL = URL(filePath: Repository.path("Packaging/dev/host"))
        process.arguments = ["exec", host.name, host.folder, Repository.path(".build/debug/gantry-agent"), "run"]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    var isRunning: Bool { process.isRunning }

    /// Ends it without a word.
    func kill() async throws {
        Foundation.kill(process.processIdentifier, SIGKILL)
        try await end()
    }

    /// Asks it to end.
    func stop() async throws {
        process.terminate()
        try await end()
    }

    /// Waits for its end.
    func end() async throws {
        try await eventually("the agent ends") { !self.process.isRunning }
    }
}
