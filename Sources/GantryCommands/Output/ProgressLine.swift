// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Tells on standard error how something goes on: on a terminal in one line that changes, elsewhere each change in a line.
struct ProgressLine {
    private let isTerminal = isatty(FileHandle.standardError.fileDescriptor) == 1
    private var last = ""

    mutating func show(_ text: String) {
        guard text != last else { return }
        last = text
        write(isTerminal ? "\r\u{1B}[K\(text)" : "\(text)\n")
    }

    /// Leaves the last line as it is, above what comes next.
    mutating func end() {
        if isTerminal && !last.isEmpty { write("\n") }
        last = ""
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
