// SPDX-License-Identifier: Apache-2.0

import Logging
import Observability
import Synchronization
import Testing

@Suite("Loggers go by the level that holds now")
struct FollowingLogHandlerTests {
    @Test(
        "A logger that is there tells more or less from one line to the next, and a quieted one no more than warnings"
    )
    func follows() {
        let level = Level()
        let logger = Logger(label: "test") { _ in
            FollowingLogHandler(SwiftLogNoOpLogHandler()) { level.value }
        }
        let quiet = logger.quieted
        #expect((logger.logLevel, quiet.logLevel) == (.info, .warning))
        level.value = .debug
        #expect((logger.logLevel, quiet.logLevel) == (.debug, .warning))
        level.value = .error
        #expect((logger.logLevel, quiet.logLevel) == (.error, .error))
    }
}

private final class Level: Sendable {
    private let level = Mutex(Logger.Level.info)

    var value: Logger.Level {
        get { level.withLock { $0 } }
        set { level.withLock { $0 = newValue } }
    }
}
