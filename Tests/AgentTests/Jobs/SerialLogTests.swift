// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryTestSupport
import Testing

@Suite("The end of a serial console's log is read over its files")
struct SerialLogTests {
    private func write(_ text: String, _ path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    @Test("The last lines come from the newest file, and from older ones where it has too few")
    func rotation() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/console.log"
            try write("five\r\nsix\r\n", path)
            try write("three\nfour\n", path + ".0")
            try write("one\ntwo\n", path + ".1")
            #expect(try SerialLog.lastLines(1, of: path) == "six\n")
            #expect(try SerialLog.lastLines(3, of: path) == "four\nfive\nsix\n")
            #expect(try SerialLog.lastLines(100, of: path) == "one\ntwo\nthree\nfour\nfive\nsix\n")
        }
    }

    @Test("A line that the guest has not ended is a line, and no file is an empty log")
    func edges() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/console.log"
            #expect(try SerialLog.lastLines(5, of: path) == "")
            try write("booted\nlogin: ", path)
            #expect(try SerialLog.lastLines(1, of: path) == "login: ")
            #expect(try SerialLog.lastLines(2, of: path) == "booted\nlogin: ")
        }
    }

    @Test("What a guest writes is bounded, and any bytes of it make a text without zeros")
    func hostileBytes() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/console.log"
            try Data([0x41, 0, 0xFF, 0x0A]).write(to: URL(filePath: path))
            #expect(try SerialLog.lastLines(5, of: path) == "A\u{FFFD}\n")
            try Data(repeating: 0x42, count: SerialLog.maximumSize + 5).write(to: URL(filePath: path))
            #expect(try SerialLog.lastLines(5, of: path).utf8.count == SerialLog.maximumSize)
        }
    }
}
