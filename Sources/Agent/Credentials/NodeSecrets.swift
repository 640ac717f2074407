// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
package import Logging
import Synchronization

/// The node's API key and broker password: the one place from which each request and each connection takes them.
///
/// They are those of the join, which the configuration has, until the conductor asks for others.
package actor NodeSecrets {
    private let path: String
    private let logger: Logger
    private var stored: StoredSecrets
    /// The same as `stored.current`, for whoever cannot wait for the disk.
    private nonisolated let shown: Mutex<NewNodeCredentials>
    private nonisolated let wish: AsyncStream<Wish>.Continuation
    private let wishes: AsyncStream<Wish>

    private enum Wish: Sendable {
        /// The conductor's, with its number.
        case rotation(Int64)
        /// Of a broker that does not know the password.
        case reminder
    }

    /// Reads what is there of rotations since the join. What was of an earlier join goes.
    ///
    /// - Parameters:
    ///   - joined: those in the configuration.
    ///   - path: the file for those that follow; made with the first rotation.
    ///   - logger: for what goes wrong.
    /// - Throws: when an earlier join's cannot be removed.
    package init(joined: NewNodeCredentials, path: String, logger: Logger) throws(Fault) {
        (self.path, self.logger) = (path, logger)
        stored = StoredSecrets(joined: joined)
        if let data = FileManager.default.contents(atPath: path) {
            switch try? NodeJSON.decoder.decode(StoredSecrets.self, from: data) {
            case .some(let known) where known.follow(joined): stored = known
            case .some: try HostFiles.removeDurably(path)
            case .none:
                logger.error(
                    "The node's secrets are damaged; those of its join are tried instead",
                    metadata: ["file": "\(path)"]
                )
            }
        }
        shown = Mutex(stored.current)
        // What was wanted before is wanted again with the next report, or the next attempt to connect.
        (wishes, wish) = AsyncStream.makeStream(of: Wish.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// What to show now. It changes, so keep no copy.
    package nonisolated var current: NewNodeCredentials { shown.withLock { $0 } }

    /// Notes that the conductor asks for a rotation.
    package nonisolated func want(rotation: Int64) { wish.yield(.rotation(rotation)) }

    /// Notes that the broker refused the password: it may have lost its users, or have an older word of ours.
    package nonisolated func remindBroker() { wish.yield(.reminder) }

    /// Does what is wanted, until cancelled. What fails is wanted again.
    ///
    /// - Parameters:
    ///   - conductor: is told of them, with those that it knows.
    ///   - onRotation: called when there are new ones, which end the old ones when they are used.
    package func keep(telling conductor: any ConductorConnection, onRotation: @Sendable () async -> Void) async {
        for await wish in wishes {
            do {
                switch wish {
                case .rotation(let number) where number <= stored.rotation: continue
                case .rotation(let number):
                    try await rotate(to: number, telling: conductor)
                    await onRotation()
                case .reminder:
                    let request = NodeCredentialsRequest(rotation: stored.rotation, credentials: stored.current)
                    try await conductor.send(request)
                }
            } catch {
                logger.warning("The conductor does not have the node's secrets yet", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Makes new ones, or goes on with those that were made before, and takes them into use.
    ///
    /// It may end between any two lines and be done again.
    private func rotate(to number: Int64, telling conductor: any ConductorConnection) async throws {
        var changed = stored
        if changed.next?.rotation != number {
            changed.next = StoredSecrets.Next(rotation: number, credentials: NewNodeCredentials())
            try await store(changed)
        }
        guard let next = changed.next else { return }
        try await conductor.send(NodeCredentialsRequest(rotation: number, credentials: next.credentials))
        (changed.current, changed.rotation, changed.next) = (next.credentials, number, nil)
        try await store(changed)
        shown.withLock { $0 = next.credentials }
        logger.notice("The node has new secrets", metadata: ["rotation": "\(number)"])
    }

    private func store(_ changed: StoredSecrets) async throws {
        let (data, path) = (try NodeJSON.encoder.encode(changed), path)
        // A thread for each time: rotations are rare, and agents in simulations many.
        try await FileWorker(name: "secrets").run { () throws(Fault) in try HostFiles.write(data, to: path) }
        stored = changed
    }
}
