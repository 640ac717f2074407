// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel

/// What a guest wrote to its serial console, as virtlogd keeps it: a file, and older ones beside it, numbered from 0 on.
package enum SerialLog {
    /// As much of it as one look may bring, in bytes.
    package static let maximumSize = 1 << 20

    /// The last lines, at most ``maximumSize`` bytes. Its calls block.
    ///
    /// - Parameters:
    ///   - count: How many lines.
    ///   - path: The newest file; none reads as empty.
    /// - Returns: Text without zeros.
    /// - Throws: when a file that is there cannot be read.
    package static func lastLines(_ count: Int, of path: String) throws(Fault) -> String {
        var (tail, number, next) = (Data(), 0, path)
        while tail.count < maximumSize, lines(in: tail) <= count, FileManager.default.fileExists(atPath: next) {
            tail = try end(of: next, atMost: maximumSize - tail.count) + tail
            (next, number) = ("\(path).\(number)", number + 1)
        }
        return text(tail, lines: count)
    }

    private static func end(of path: String, atMost size: Int) throws(Fault) -> Data {
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            defer { try? file.close() }
            let length = try file.seekToEnd()
            try file.seek(toOffset: length > size ? length - UInt64(size) : 0)
            return try file.read(upToCount: size) ?? Data()
        } catch {
            throw Fault(.hostCommandFailed, "The console's log could not be read on the node.")
        }
    }

    private static func lines(in data: Data) -> Int {
        data.count { $0 == UInt8(ascii: "\n") }
    }

    /// A guest writes any bytes. Zeros would end the text in other programs, and PostgreSQL stores none.
    private static func text(_ data: Data, lines count: Int) -> String {
        // A serial line ends with CR and LF, which to Swift's text are one character.
        var lines = data.filter { $0 != 0 }.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
        let endsLine = lines.last?.isEmpty == true
        if endsLine { lines.removeLast() }
        let text = lines.suffix(count).map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        return endsLine && !lines.isEmpty ? text + "\n" : text
    }
}
