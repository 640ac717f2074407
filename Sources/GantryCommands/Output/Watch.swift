// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient

/// Whether a list is shown once or again and again.
struct Watch: ParsableArguments {
    @Flag(help: "Show it anew every two seconds, until Ctrl-C.")
    var watch = false

    private static let interval = Duration.seconds(2)

    /// Shows something once, or until it is interrupted. A terminal is cleared before each time.
    func show(_ body: () async throws(ClientError) -> Void) async throws(ClientError) {
        guard watch else { return try await body() }
        let isTerminal = isatty(FileHandle.standardOutput.fileDescriptor) == 1
        while true {
            print(isTerminal ? "\u{1B}[H\u{1B}[2J" : "", terminator: isTerminal ? "" : "\n")
            do {
                try await body()
            } catch .transport(let text) {
                // It may be back in a moment.
                print("The conductor cannot be reached: \(text)")
            }
            fflush(nil)
            guard (try? await Task.sleep(for: Self.interval)) != nil else { return }
        }
    }
}
