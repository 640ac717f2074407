// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import Observability
import Synchronization
import Testing

@Suite("A log event is one line of JSON")
struct JSONLogHandlerTests {
    @Test("Metadata of the logger and of the event are flat keys, and text stays on its line")
    func line() throws {
        let lines = Recorder()
        var logger = Logger(label: "agent") { JSONLogHandler(label: $0, write: lines.append) }
        logger[metadataKey: "node.name"] = "n1"
        logger.warning("two\nlines", metadata: ["vm.id": "7", "steps": ["a", "b"]])
        let line = try #require(lines.all.first)
        #expect(line.filter { $0 == UInt8(ascii: "\n") }.count == 1)
        let object = try #require(JSONSerialization.jsonObject(with: line) as? [String: Any])
        #expect(object["message"] as? String == "two\nlines")
        #expect(object["level"] as? String == "warning")
        #expect(object["node.name"] as? String == "n1")
        #expect(object["vm.id"] as? String == "7")
        #expect(object["steps"] as? [String] == ["a", "b"])
    }
}

private final class Recorder: Sendable {
    private let lines = Mutex<[Data]>([])
    var all: [Data] { lines.withLock { $0 } }

    func append(_ line: Data) {
        lines.withLock { $0.append(line) }
    }
}
