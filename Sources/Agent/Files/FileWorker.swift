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
}
