// SPDX-License-Identifier: Apache-2.0

/// Runs asynchronous work one piece after the other, in the order it came.
package actor SerialQueue {
    private var last: Task<Void, any Error>?

    package init() {}

    /// Runs `work` when all that came before has ended, well or not.
    package func run(_ work: @escaping @Sendable () async throws -> Void) async throws {
        let previous = last
        let task = Task {
            _ = await previous?.result
            try await work()
        }
        last = task
        try await task.value
    }
}
