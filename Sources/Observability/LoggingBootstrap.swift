// SPDX-License-Identifier: Apache-2.0

import Foundation
public import Logging

/// Where a program's log goes: text for a person at a terminal, JSON for everything else.
public enum LoggingBootstrap {
    /// Sets up logging for the whole process. Only a `main` may call this, once.
    public static func start(level: Logger.Level) {
        let toTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
        LoggingSystem.bootstrap { label in
            var handler: any LogHandler =
                toTerminal ? StreamLogHandler.standardError(label: label) : JSONLogHandler(label: label)
            handler.logLevel = level
            return handler
        }
    }
}
