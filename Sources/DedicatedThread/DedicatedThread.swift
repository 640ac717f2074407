// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A serial executor on one operating system thread of its own.
///
/// For C libraries whose calls block or whose handles belong to one thread: an actor whose `unownedExecutor` is this
/// runs there, and never holds one of Swift's few cooperative threads. The thread ends after ``shutDown()`` or when
/// the last reference goes, once the jobs already queued have run.
public final class DedicatedThread: SerialExecutor {
    private let inbox: Inbox

    /// - Parameter name: Shown by debuggers and `top -H`; the kernel keeps 15 bytes of it.
    public init(name: String) {
        inbox = Inbox()
        let thread = Thread { [inbox] in inbox.run() }
        thread.name = name
        thread.start()
    }

    deinit {
        inbox.close()
    }

    /// Lets the thread end once its queue is empty. Jobs that come later still run, on a thread made for each.
    public func shutDown() {
        inbox.close()
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let executor = asUnownedSerialExecutor()
        // A job keeps the executor alive: an actor may go while its last job waits here.
        let run: @Sendable () -> Void = { [self] in withExtendedLifetime(self) { job.runSynchronously(on: executor) } }
        if !inbox.add(run) { runLate(run) }
    }

    public func checkIsolated() {
        precondition(inbox.isCurrentThread, "not on this dedicated thread")
    }

    /// Runs a closure on the thread, after what is queued there.
    public func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            let run: @Sendable () -> Void = {
                continuation.resume(returning: Result { () throws(Failure) -> Value in try body() })
            }
            if !inbox.add(run) { runLate(run) }
        }
        return try result.get()
    }

    /// A caller after shutdown must not wait for ever.
    private func runLate(_ run: @escaping @Sendable () -> Void) {
        Thread.detachNewThread { [inbox] in inbox.runLate(run) }
    }
}

/// The queue between the callers and the thread, which outlives the executor until the thread has ended.
private final class Inbox: Sendable {
    private struct State {
        var jobs: [@Sendable () -> Void] = []
        var closed = false
    }

    private let state = Mutex(State())
    private let signal = DispatchSemaphore(value: 0)
    private let current = Mutex<ObjectIdentifier?>(nil)

    var isCurrentThread: Bool {
        current.withLock { $0 == ObjectIdentifier(Thread.current) }
    }

    /// False when the thread no longer takes jobs.
    func add(_ job: @escaping @Sendable () -> Void) -> Bool {
        let taken = state.withLock { state in
            guard !state.closed else { return false }
            state.jobs.append(job)
            return true
        }
        if taken { signal.signal() }
        return taken
    }

    func close() {
        state.withLock { $0.closed = true }
        signal.signal()
    }

    func run() {
        current.withLock { $0 = ObjectIdentifier(Thread.current) }
        while true {
            signal.wait()
            let (jobs, closed) = state.withLock { state in
                defer { state.jobs.removeAll(keepingCapacity: true) }
                return (state.jobs, state.closed)
            }
            for job in jobs { job() }
            if closed { break }
        }
        current.withLock { $0 = nil }
    }

    /// One late job at a time, so that the executor stays serial.
    func runLate(_ job: @Sendable () -> Void) {
        late.withLock { _ in
            current.withLock { $0 = ObjectIdentifier(Thread.current) }
            job()
            current.withLock { $0 = nil }
        }
    }

    private let late = Mutex(())
}
