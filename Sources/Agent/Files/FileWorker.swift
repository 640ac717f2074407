// SPDX-License-Identifier: Apache-2.0

import DedicatedThread
package import GantryModel

/// Does file work on a thread of its own: a disk may let a call wait for seconds, and Swift's threads are few.
package actor FileWorker {
    private let thread: DedicatedThread

    package nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    package init(name: String) {
        thread = DedicatedThread(name: name)
    }

    /// Runs `work` on the thread. Where it waits for something else than a file, other work goes on.
    package func run<Value: Sendable>(
        _ work: @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        try await work()
    }

    /// Runs `work` on the thread, and waits no longer than is said. The work goes on then, and what is asked for next waits
    /// for its end.
    ///
    /// - Parameters:
    ///   - patience: How long it is waited for.
    ///   - late: Thrown after that.
    ///   - work: May not come back.
    /// - Returns: What it comes to.
    /// - Throws: Its fault, or `late`.
    package nonisolated func run<Value: Sendable>(
        within patience: Duration,
        orElse late: Fault,
        _ work: @escaping @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        let (results, result) = AsyncStream.makeStream(of: Result<Value, Fault>.self)
        Task {
            do throws(Fault) {
                result.yield(.success(try await run(work)))
            } catch {
                result.yield(.failure(error))
            }
        }
        let limit = Task {
            try? await Task.sleep(for: patience)
            result.finish()
        }
        defer { limit.cancel() }
        guard let first = await results.first(where: { _ in true }) else { throw late }
        return try first.get()
    }
}
