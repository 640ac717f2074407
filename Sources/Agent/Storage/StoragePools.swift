// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol
package import Logging

/// The host's storage pools, each with a thread of its own: one that hangs holds up its own volumes and nothing else.
package actor StoragePools {
    private struct Seat {
        let pool: any StoragePool
        let worker: FileWorker
    }

    private let seats: [String: Seat]
    private let logger: Logger
    /// Those that were there at the last look.
    private var available: Set<String> = []
    private var looks: Set<String> = []

    package init(_ pools: [any StoragePool], logger: Logger) {
        let seats = pools.map { ($0.name, Seat(pool: $0, worker: FileWorker(name: "pool"))) }
        self.seats = Dictionary(seats) { first, _ in first }
        self.logger = logger
    }

    /// Those that can be used, as far as is known without waiting. Each is looked at meanwhile.
    package func inventory() -> [StoragePoolInventory] {
        for seat in seats.values where !looks.contains(seat.pool.name) {
            looks.insert(seat.pool.name)
            Task { await self.look(at: seat) }
        }
        return seats.values.map(\.pool).filter { available.contains($0.name) }.sorted { $0.name < $1.name }
            .map { StoragePoolInventory(name: $0.name, kind: $0.kind) }
    }

    private func look(at seat: Seat) async {
        let isAvailable = (try? await seat.worker.run { () async throws(Fault) in seat.pool.isAvailable }) ?? false
        looks.remove(seat.pool.name)
        if isAvailable {
            available.insert(seat.pool.name)
        } else if available.remove(seat.pool.name) != nil {
            logger.error("A storage pool is away", metadata: ["pool": "\(seat.pool.name)"])
        }
    }

    /// A pool by its name, whether it can be used now or not.
    ///
    /// - Throws: `volume_unavailable` when the host has none of the name.
    package nonisolated func pool(_ name: String) throws(Fault) -> any StoragePool {
        guard let seat = seats[name] else {
            throw Fault(.volumeUnavailable, "The node has no storage pool “\(name)”.")
        }
        return seat.pool
    }

    /// Works with a pool's files, once it was seen that they are there.
    package func use<Value: Sendable>(
        _ name: String,
        _ work: @escaping @Sendable (any StoragePool) async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        let pool = try pool(name)
        guard let worker = seats[name]?.worker else { throw Fault(.volumeUnavailable, "The node has no such pool.") }
        return try await worker.run { () async throws(Fault) in
            try pool.check()
            return try await work(pool)
        }
    }
}
