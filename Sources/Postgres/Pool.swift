// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lends connections, first come, first served.
final class Pool: Sendable {
    private struct State {
        var idle: [Connection] = []
        var made = 0
        var waiting: [(id: UInt64, continuation: CheckedContinuation<Connection, any Error>)] = []
        var nextID: UInt64 = 0
    }

    private let configuration: DatabaseConfiguration
    private let state = Mutex(State())

    init(_ configuration: DatabaseConfiguration) {
        self.configuration = configuration
    }

    func withConnection<Value: Sendable>(
        _ work: @Sendable (Connection) async throws -> Value
    ) async throws -> Value {
        let connection = try await borrow()
        defer { giveBack(connection) }
        return try await work(connection)
    }

    private func borrow() async throws -> Connection {
        try Task.checkCancellation()
        if let idle = state.withLock({ $0.idle.popLast() }) { return idle }
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let connection = state.withLock { take(from: &$0, else: (id, continuation)) }
                if let connection { continuation.resume(returning: connection) }
                // Cancellation before the continuation was filed has found nobody to wake.
                if connection == nil && Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    private func take(
        from state: inout State,
        else waiter: (id: UInt64, continuation: CheckedContinuation<Connection, any Error>)
    ) -> Connection? {
        if let connection = state.idle.popLast() { return connection }
        guard state.made >= configuration.maximumConnections else {
            state.made += 1
            return Connection(configuration)
        }
        state.waiting.append(waiter)
        return nil
    }

    private func giveBack(_ connection: Connection) {
        let next = state.withLock { state -> CheckedContinuation<Connection, any Error>? in
            guard !state.waiting.isEmpty else {
                state.idle.append(connection)
                return nil
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume(returning: connection)
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state -> CheckedContinuation<Connection, any Error>? in
            guard let index = state.waiting.firstIndex(where: { $0.id == id }) else { return nil }
            return state.waiting.remove(at: index).continuation
        }
        waiter?.resume(throwing: CancellationError())
    }
}
