// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What systemd listens at: a datagram socket that writes what it is told to a file. NIO's own closes at a datagram from a socket without a name.
package struct NotifySocket: Sendable {
    private let process = Process()
    private let file: String

    /// - Parameter path: where it is made.
    /// - Throws: ``NeverTrue``, and what starting its program throws.
    package init(_ path: String) async throws {
        file = path + ".heard"
        process.executableURL = URL(filePath: "/usr/bin/socat")
        process.arguments = ["-u", "UNIX-RECV:\(path)", "CREATE:\(file)"]
        try process.run()
        try await eventually("it listens") { FileManager.default.fileExists(atPath: path) }
    }

    /// All words, one after the other.
    package var words: String { (try? String(contentsOfFile: file, encoding: .utf8)) ?? "" }

    package func count(_ word: String) -> Int { words.ranges(of: word).count }

    /// Ends it.
    package func end() {
        // Threads of Swift's block signals, which what they start inherits.
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
