// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import SystemPackage

/// A command that a test ran and that failed.
package struct CommandFailure: Error, CustomStringConvertible {
    package let description: String

    package init(description: String) {
        self.description = description
    }
}

/// What a command said.
package struct CommandOutput: Sendable {
    package let status: Int32
    package let text: String
    package let errorText: String
}

/// Runs a command to its end and returns what it said, whatever its exit status.
///
/// - Parameters:
///   - executable: A path, or a name that `PATH` finds.
///   - arguments: What it is told.
///   - input: What it reads.
///   - environment: Variables beside those of the tests.
///   - timeout: How long it may take, so that one that hangs fails its test and does not stop all others.
/// - Returns: What it said.
/// - Throws: ``CommandFailure`` when it took longer, and what starting it threw.
package func run(
    _ executable: String,
    _ arguments: [String],
    input: String = "",
    environment: [String: String] = [:],
    timeout: Duration = .seconds(900)
) async throws -> CommandOutput {
    let added = Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), Optional($1)) })
    let result = try await within(timeout, "\(executable) \(arguments.joined(separator: " "))") {
        try await Subprocess.run(
            executable.hasPrefix("/") ? .path(FilePath(executable)) : .name(executable),
            arguments: .init(arguments),
            environment: .inherit.updating(added),
            input: .string(input),
            output: .string(limit: 16 << 20),
            error: .string(limit: 1 << 20)
        )
    }
    let status: Int32 =
        switch result.terminationStatus {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    return CommandOutput(
        status: status,
        text: result.standardOutput,
        errorText: result.standardError
    )
}

/// What work returns, if it is done in time. Otherwise it is cancelled, which ends the command that it runs, and
/// not what that has started.
private func within<Value: Sendable>(
    _ timeout: Duration,
    _ what: String,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await Task.sleep(for: timeout)
            throw CommandFailure(description: "\(what): not done after \(timeout)")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}

/// Runs a command that has to succeed and returns its standard output.
@discardableResult
package func shell(
    _ executable: String,
    _ arguments: String...,
    input: String = "",
    environment: [String: String] = [:]
) async throws -> String {
    let output = try await run(executable, arguments, input: input, environment: environment)
    guard output.status == 0 else {
        throw CommandFailure(
            description: "\(executable) \(arguments.joined(separator: " ")) ended with \(output.status): "
                + "\(output.errorText)\(output.text)"
        )
    }
    return output.text
}
