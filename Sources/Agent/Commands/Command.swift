// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Subprocess
import SystemPackage

/// A program of the host's, run without a shell, bounded in time and output. What it starts ends with it at the deadline.
package struct Command: Sendable {
    /// Why a command did not do its work, for the operator's log.
    package struct Failure: Error, CustomStringConvertible, Sendable {
        package let program: String
        /// The exit status; nil when it was ended by a signal, or could not be started.
        package let status: Int32?
        package let text: String

        package var description: String {
            "\(program) failed\(status.map { " with status \($0)" } ?? ""): \(text)"
        }

        /// The kernel's or the program's word for a full disk. Programs tell it by text alone.
        package var saysDiskFull: Bool { text.contains("No space left on device") }
    }

    private let program: String
    private let arguments: [String]
    private let deadline: Duration

    /// - Parameters:
    ///   - program: Looked up in the usual directories of the system's own programs.
    ///   - arguments: Handed over as they are.
    ///   - deadline: After which the program is ended.
    package init(_ program: String, _ arguments: [String], deadline: Duration = .seconds(60)) {
        (self.program, self.arguments, self.deadline) = (program, arguments, deadline)
    }

    /// Runs the command to its end and returns its standard output.
    @discardableResult
    package func run(input: String = "") async throws -> String {
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask { try await execute(input) }
            group.addTask {
                try await Task.sleep(for: deadline)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let output = first else {
                throw Failure(program: program, status: nil, text: "it did not end within \(deadline)")
            }
            return output
        }
    }

    private func execute(_ input: String) async throws -> String {
        var group: pid_t?
        // A script that heeds the first signal may leave a tool behind that does not.
        defer { if let group, Task.isCancelled { kill(-group, SIGKILL) } }
        let result: ExecutionResult<Void, StringOutput<UTF8>, StringOutput<UTF8>>
        do {
            result = try await Subprocess.run(
                .path(FilePath(Self.path(of: program))),
                arguments: Arguments(arguments),
                environment: .custom(["PATH": Self.directories.joined(separator: ":"), "LC_ALL": "C"]),
                platformOptions: Self.ownGroup,
                input: .string(input),
                output: .string(limit: 4 << 20),
                error: .string(limit: 64 << 10),
                body: { group = $0.processIdentifier.value }
            )
        } catch let error as SubprocessError {
            throw Failure(program: program, status: nil, text: "it could not be run: \(error)")
        }
        switch result.terminationStatus {
        case .exited(0):
            return result.standardOutput
        case .exited(let status):
            let text = result.standardError.isEmpty ? result.standardOutput : result.standardError
            throw Failure(program: program, status: status, text: text.trimmingCharacters(in: .whitespacesAndNewlines))
        case .signaled(let signal):
            throw Failure(program: program, status: nil, text: "it was ended by signal \(signal)")
        }
    }

    /// A process group of its own, all of which is ended at the deadline.
    private static let ownGroup = {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
        ]
        return options
    }()

    private static let directories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]

    /// Where a program is; its bare name where it is nowhere, for the error that follows.
    private static func path(of program: String) -> String {
        directories.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) } ?? program
    }

    /// Whether the program is installed.
    package static func exists(_ program: String) -> Bool { path(of: program) != program }
}
