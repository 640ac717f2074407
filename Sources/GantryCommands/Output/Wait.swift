// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

/// Whether a command returns at once or when its work is done.
struct Wait: ParsableArguments {
    @Flag(help: "Wait until it is done, and tell how it goes on.")
    var wait = false

    private static let interval = Duration.milliseconds(500)

    /// Looks at something again and again, and tells what it sees, until it is done or gone.
    ///
    /// - Returns: What it is then; nil when it is gone.
    /// - Throws: ``ClientError``, also what `isDone` says of one that will never be.
    func follow<Value>(
        _ name: String,
        _ read: () async throws(ClientError) -> Value?,
        text: (Value) -> String,
        until isDone: (Value) throws(ClientError) -> Bool
    ) async throws(ClientError) -> Value? {
        var line = ProgressLine()
        defer { line.end() }
        while let value = try await read() {
            line.show("\(name): \(text(value))")
            if try isDone(value) { return value }
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                throw .transport("interrupted")
            }
        }
        line.show("\(name): gone")
        return nil
    }
}
