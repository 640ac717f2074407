// SPDX-License-Identifier: Apache-2.0

import DedicatedThread
import Foundation
import Testing

@Suite("A dedicated thread runs its jobs on one thread")
struct DedicatedThreadTests {
    private actor Pinned {
        let thread: DedicatedThread
        nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
        private(set) var names: Set<ObjectIdentifier> = []

        init(_ thread: DedicatedThread) {
            self.thread = thread
        }

        func note() {
            assertIsolated()
            names.insert(ObjectIdentifier(Thread.current))
        }
    }

    @Test("An actor's calls all come to the same thread, whoever makes them")
    func oneThread() async {
        let pinned = Pinned(DedicatedThread(name: "test"))
        await withTaskGroup { group in
            for _ in 0..<100 { group.addTask { await pinned.note() } }
        }
        #expect(await pinned.names.count == 1)
    }

    @Test("A blocked thread does not keep other tasks from running")
    func blocking() async {
        let gate = DispatchSemaphore(value: 0)
        let threads = (0..<8).map { DedicatedThread(name: "blocked-\($0)") }
        async let blocked: Void = withTaskGroup { group in
            for thread in threads {
                group.addTask { await thread.run { gate.wait() } }
            }
        }
        // Reached only while more threads are blocked than there are cooperative ones.
        for _ in threads { gate.signal() }
        await blocked
    }

    @Test("A job after shutdown still runs, so that no caller waits for ever")
    func afterShutdown() async {
        let thread = DedicatedThread(name: "test")
        thread.shutDown()
        #expect(await thread.run { 7 } == 7)
    }

    @Test("An error comes back to the caller as it was thrown")
    func errors() async {
        struct Odd: Error, Equatable {}
        let thread = DedicatedThread(name: "test")
        await #expect(throws: Odd.self) {
            try await thread.run { () throws(Odd) -> Int in throw Odd() }
        }
    }
}
