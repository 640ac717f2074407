// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// One of our programs, running as a process of its own.
final class ProgramProcess: @unchecked Sendable {
    // `Process` is not Sendable; it is written in init alone and read by the methods, which it allows from any thread.
    private let process = Process()
    private let watch: ExitWatch

    /// - Parameters:
    ///   - command: An absolute path and arguments. What it starts takes the process' place.
    ///   - environment: Added to this process' own.
    ///   - log: A file that its output is added to.
    /// - Throws: when it cannot be started.
    init(_ command: [String], environment: [String: String], log: String) throws {
        if !FileManager.default.fileExists(atPath: log) {
            _ = FileManager.default.createFile(atPath: log, contents: nil)
        }
        let output = try FileHandle(forWritingTo: URL(filePath: log))
        try output.seekToEnd()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardOutput = output
        process.standardError = output
        try process.run()
        watch = try ExitWatch("kill", "-9", "\(process.processIdentifier)")
    }

    var isRunning: Bool { process.isRunning }

    /// Ends it without a word.
    func kill() async throws {
        Foundation.kill(process.processIdentifier, SIGKILL)
        try await end()
    }

    /// Asks it to end, and returns its exit status.
    @discardableResult
    func stop() async throws -> Int32 {
        process.terminate()
        return try await end()
    }

    /// Asks it to read its settings again.
    func reload() { Foundation.kill(process.processIdentifier, SIGHUP) }

    /// Waits for its end, and returns its exit status.
    @discardableResult
    func end() async throws -> Int32 {
        try await eventually("the program ends") { !self.process.isRunning }
        watch.callOff()
        return process.terminationStatus
    }
}
