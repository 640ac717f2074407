// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A program run beside this one, with its output in a file.
///
/// Foundation's `Process` waits for everything that a program leaves running, as the host's script does.
final class Child: Sendable {
    let pid: pid_t
    let started: ContinuousClock.Instant
    private let name: String
    private let log: String
    /// Once it has ended, what waitpid(2) said.
    private let status = Mutex<Int32?>(nil)

    /// - Parameters:
    ///   - command: The program's path and its arguments.
    ///   - environment: What it gets beside our own.
    ///   - log: A file for its output, made anew.
    /// - Throws: ``Trouble`` when it cannot be started.
    init(_ command: [String], environment: [String: String] = [:], log: String) throws {
        (name, self.log) = (command.joined(separator: " "), log)
        started = ContinuousClock.now
        pid = try Self.spawn(command, ProcessInfo.processInfo.environment.merging(environment) { $1 }, log)
    }

    private static func spawn(_ command: [String], _ environment: [String: String], _ log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // Threads of Swift's block signals, and a program would inherit that: nobody could end it, or what it starts.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let arguments = command.map { strdup($0) } + [nil]
        let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + variables { free(text) } }
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, command[0], &actions, &attributes, arguments, variables)
        guard error == 0 else { throw Trouble("\(command[0]): \(String(cString: strerror(error)))") }
        return pid
    }

    /// What it has written.
    var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    private var isRunning: Bool {
        status.withLock { status in
            var word: Int32 = 0
            if status == nil, waitpid(pid, &word, WNOHANG) == pid { status = word }
            return status == nil
        }
    }

    /// Waits until a condition holds.
    ///
    /// - Parameters:
    ///   - what: What is waited for, for the error.
    ///   - seconds: How long at most.
    ///   - interval: Between two looks.
    ///   - condition: Says whether it holds.
    /// - Throws: ``Trouble`` when the program ends or the time passes before.
    func wait(
        for what: String,
        seconds: Int = 30,
        every interval: Duration = .milliseconds(2),
        _ condition: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !condition() {
            guard isRunning else { throw Trouble("\(name) ended before \(what): \(output.suffix(2000))") }
            guard ContinuousClock.now < deadline else {
                throw Trouble("\(name): no \(what) within \(seconds) seconds: \(output.suffix(2000))")
            }
            try await Task.sleep(for: interval)
        }
    }

    /// Asks it to end and waits until it has, ten seconds at most.
    func stop() async {
        if isRunning { kill(pid, SIGTERM) }
        let deadline = ContinuousClock.now + .seconds(10)
        while isRunning {
            if ContinuousClock.now > deadline { kill(pid, SIGKILL) }
            try? await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Ends it without a word.
    func end() async {
        if isRunning { kill(pid, SIGKILL) }
        while isRunning { try? await Task.sleep(for: .milliseconds(10)) }
    }

    /// Runs a command to its end.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments.
    ///   - mayFail: Whether its exit status says nothing here.
    /// - Returns: its output.
    /// - Throws: ``Trouble`` when it fails.
    @discardableResult
    static func run(_ command: [String], mayFail: Bool = false) async throws -> String {
        let log = NSTemporaryDirectory() + "gantry-benchmark-\(UUID()).log"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let child = try Child(command, log: log)
        while child.isRunning { try await Task.sleep(for: .milliseconds(1)) }
        guard mayFail || child.status.withLock({ $0 }) == 0 else {
            throw Trouble("\(child.name): \(child.output.suffix(2000))")
        }
        return child.output
    }
}
