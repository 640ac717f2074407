// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import Logging
import Observability
import Synchronization

/// What was logged during a test, line by line.
final class TestLog: Sendable {
    private let written = Mutex<[String]>([])

    var logger: Logger {
        Logger(label: "test") { label in
            var handler = JSONLogHandler(label: label) { line in
                self.written.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
            }
            handler.metadataProvider = RequestID.metadata
            return handler
        }
    }

    /// How many lines hold all of the words.
    func count(_ words: String...) -> Int {
        written.withLock { lines in lines.filter { line in words.allSatisfy { line.contains($0) } }.count }
    }
}
