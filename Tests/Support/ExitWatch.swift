// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// Has a command run when this process has ended, however it ended, unless it is called off before.
///
/// A shell waits on a pipe from this process, so it learns also of a kill.
package final class ExitWatch: Sendable {
    private let pipe = Mutex<Pipe?>(nil)

    /// - Throws: when the shell cannot be started.
    package init(_ command: String...) throws {
        let process = Process()
        // Out of our process group, so that a terminal's interrupt does not end it with us.
        process.executableURL = URL(filePath: "/usr/bin/setsid")
        process.arguments = ["sh", "-c", "read -r _ || \"$@\"", "watch"] + command
        let pipe = Pipe()
        for end in [pipe.fileHandleForReading, pipe.fileHandleForWriting] {
            // Held open by nobody but us.
            _ = fcntl(end.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        process.standardInput = pipe
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.pipe.withLock { $0 = pipe }
    }

    /// What was to be done is done.
    package func callOff() {
        pipe.withLock { pipe in
            try? pipe?.fileHandleForWriting.write(contentsOf: Data("done\n".utf8))
            pipe = nil
        }
    }
}
