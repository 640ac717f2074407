// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Logging
import Synchronization

/// Where a program's log goes: text for a person at a terminal, JSON for everything else.
public enum LoggingBootstrap {
    private static let level = Mutex(Logger.Level.info)

    /// Sets up logging for the whole process. Only a `main` may call this, once.
    public static func start(level: Logger.Level) {
        setLevel(level)
        let toTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
        LoggingSystem.bootstrap { label in
            let handler: any LogHandler =
                toTerminal ? StreamLogHandler.standardError(label: label) : JSONLogHandler(label: label)
            return FollowingLogHandler(handler) { Self.level.withLock { $0 } }
        }
    }

    /// Sets the least that every logger tells from now on.
    public static func setLevel(_ level: Logger.Level) { Self.level.withLock { $0 = level } }
}
