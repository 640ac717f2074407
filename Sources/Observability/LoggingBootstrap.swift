// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Logging
import Synchronization

/// Where a program's log goes: text for a person at a terminal, JSON for everything else.
public enum LoggingBootstrap {
    private static let level = Mutex(Logger.Level.info)

    /// Sets up logging for the whole process. Only a `main` may call this, once.
    ///
    /// - Parameters:
    ///   - level: The least that the log tells.
    ///   - metadataProvider: Adds to each line what is known where it is logged.
    public static func start(level: Logger.Level, metadataProvider: Logger.MetadataProvider? = nil) {
        setLevel(level)
        let toTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
        LoggingSystem.bootstrap { label in
            var handler: any LogHandler =
                toTerminal ? StreamLogHandler.standardError(label: label) : JSONLogHandler(label: label)
            handler.metadataProvider = metadataProvider
            return FollowingLogHandler(handler) { Self.level.withLock { $0 } }
        }
    }

    /// Sets the least that every logger tells from now on.
    public static func setLevel(_ level: Logger.Level) { Self.level.withLock { $0 = level } }
}
