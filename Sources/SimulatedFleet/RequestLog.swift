// SPDX-License-Identifier: Apache-2.0

public import GantryModel
import Synchronization

/// Every request of a fleet's nodes to the conductor.
public final class RequestLog: Sendable {
    /// One of them.
    public struct Entry: Sendable {
        public let node: NodeName
        public let begin: ContinuousClock.Instant
        /// When it was answered, or given up.
        public let end: ContinuousClock.Instant
        /// Whether the conductor did what it was asked.
        public let isTaken: Bool
    }

    private let log = Mutex<[Entry]>([])

    init() {}

    /// Those that began at a moment or later, in the order of their ends.
    public func entries(since moment: ContinuousClock.Instant) -> [Entry] {
        log.withLock { $0.filter { $0.begin >= moment } }
    }

    /// Notes a request around what it does.
    func note<Value>(_ node: NodeName, _ request: () async throws -> Value) async throws -> Value {
        let begin = ContinuousClock.now
        let result: Result<Value, any Error>
        do {
            result = .success(try await request())
        } catch {
            result = .failure(error)
        }
        var isTaken: Bool { if case .success = result { true } else { false } }
        let entry = Entry(node: node, begin: begin, end: .now, isTaken: isTaken)
        log.withLock { $0.append(entry) }
        return try result.get()
    }
}
