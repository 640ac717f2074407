// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation
package import GantryModel
import GantryProtocol
package import Postgres

/// Makes nodes and removes them: the row, the API key, the broker's user and the queue.
package struct NodeRegistry: Sendable {
    let database: Database
    let broker: BrokerAdministration
    private let publisher: AMQPPublisher
    private let brokerAddress: AMQPConfiguration

    /// - Parameters:
    ///   - database: where nodes are kept.
    ///   - broker: makes their users.
    ///   - publisher: declares and deletes queues.
    ///   - brokerAddress: host, port, virtual host and TLS as agents shall use them; its user is not given to anybody.
    package init(
        database: Database,
        broker: BrokerAdministration,
        publisher: AMQPPublisher,
        brokerAddress: AMQPConfiguration
    ) {
        self.database = database
        self.broker = broker
        self.publisher = publisher
        self.brokerAddress = brokerAddress
    }

    /// Removes a node that has no machines and no volumes, but for those that a dead one was to remove. Doing it again
    /// finishes what an interrupted removal left in the broker.
    ///
    /// - Throws: ``NodeRefusal`` with `conflict` while machines are on it, with `notFound` when nothing was there.
    package func remove(_ name: NodeName) async throws {
        let existed: Bool
        do {
            existed = try await delete(name)
        } catch let error as PostgresError where error.sqlState == "23503" {
            throw NodeRefusal(
                .conflict,
                "Node \(name) still has machines, volumes or orphans; cordon it, delete or move them, then remove it."
            )
        }
        try await broker.deleteUser(of: name)
        try await publisher.deleteQueue(TaskTopology.queue(of: name))
        guard existed else { throw Self.notFound(name) }
    }

    private func delete(_ name: NodeName) async throws -> Bool {
        try await database.transaction { transaction in
            try VolumeRemoval.giveUp(on: name, transaction)
            return try transaction.execute("DELETE FROM compute_node WHERE name = \(name)") == 1
        }
    }

    /// Makes the node's queue and user, or gives the user another password. It may be repeated.
    ///
    /// - Parameters:
    ///   - name: the node's, whose row knows the key of the secrets already.
    ///   - credentials: the node's secrets.
    /// - Throws: ``NodeRefusal`` with `unauthorized` when an operator ended them, or the node, meanwhile.
    func setUpBroker(_ name: NodeName, _ credentials: NewNodeCredentials) async throws {
        try await TaskTopology.declareShared(publisher)
        try await TaskTopology.declareQueue(of: name, publisher)
        try await broker.putUser(of: name, password: credentials.brokerPassword)
        let areKnown = try await areKnown(credentials, of: name)
        if areKnown == true { return }
        // An operator was quicker, whose word must not be undone by ours.
        try await broker.deleteUser(of: name)
        if areKnown == nil { try await publisher.deleteQueue(TaskTopology.queue(of: name)) }
        throw NodeRefusal(
            .unauthorized,
            "An operator revoked the secrets of node \(name), or removed it; its host has to join again, with another "
                + "token."
        )
    }

    /// Whether they are a node's secrets, or those that it uses next; nil when there is no such node.
    private func areKnown(_ credentials: NewNodeCredentials, of name: NodeName) async throws -> Bool? {
        let digest = APIKeyStore.digest(of: credentials.apiKey)
        return try await database.read { transaction in
            let rows = try transaction.query(
                """
                SELECT coalesce(\(digest)::bytea IN (api_key_digest, next_api_key_digest), false) AS known
                FROM compute_node WHERE name = \(name)
                """
            )
            return try rows.first?["known"]
        }
    }

    /// Where agents find the broker, without user and password.
    var brokerURL: URLComponents {
        var url = URLComponents()
        url.scheme = brokerAddress.usesTLS ? "amqps" : "amqp"
        url.host = brokerAddress.host
        url.port = brokerAddress.port
        let host = brokerAddress.virtualHost.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
        url.percentEncodedPath = "/" + (host ?? "")
        return url
    }

    static func notFound(_ name: NodeName) -> NodeRefusal {
        NodeRefusal(.notFound, "There is no node named \(name).")
    }
}
