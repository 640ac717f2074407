// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation
package import GantryModel
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

    /// Makes a node, which takes machines once its agent has come.
    ///
    /// - Returns: its credentials, which cannot be shown again.
    /// - Throws: ``NodeRefusal`` with `conflict` when the name is taken, with `notFound` for an unknown region.
    package func create(
        _ name: NodeName,
        region: RegionID,
        ratios: OvercommitRatios
    ) async throws -> NodeCredentials {
        let credentials = newCredentials(for: name)
        do {
            _ = try await database.transaction { transaction in
                try transaction.execute(
                    """
                    INSERT INTO compute_node (region_id, name, api_key_digest, vcpu_ratio, memory_ratio, disk_ratio)
                    VALUES (\(region), \(name), \(credentials.digest), \(ratios.vcpu), \(ratios.memory), \(ratios.disk))
                    """
                )
            }
        } catch let error as PostgresError where error.isUniqueViolation("compute_node_name_key") {
            throw NodeRefusal(
                .conflict,
                "There is a node named \(name); choose another name."
            )
        } catch let error as PostgresError where error.sqlState == "23503" {
            throw NodeRefusal(.notFound, "The region does not exist.")
        }
        do {
            try await setUpBroker(name, password: credentials.password)
        } catch {
            // Without a broker's user the node is of no use, and its name shall be free for the next attempt.
            _ = try? await delete(name)
            throw error
        }
        return credentials.shown
    }

    /// Removes a node that has no machines. Doing it again finishes what an interrupted removal left in the broker.
    ///
    /// - Throws: ``NodeRefusal`` with `conflict` while machines are on it, with `notFound` when nothing was there.
    package func remove(_ name: NodeName) async throws {
        let existed: Bool
        do {
            existed = try await delete(name)
        } catch let error as PostgresError where error.sqlState == "23503" {
            throw NodeRefusal(
                .conflict,
                "Node \(name) still has machines or volumes; cordon it, delete or move them, then remove it."
            )
        }
        try await broker.deleteUser(of: name)
        try await publisher.deleteQueue(TaskTopology.queue(of: name))
        guard existed else { throw Self.notFound(name) }
    }

    private func delete(_ name: NodeName) async throws -> Bool {
        try await database.transaction { try $0.execute("DELETE FROM compute_node WHERE name = \(name)") == 1 }
    }

    /// Makes the node's queue and user, or gives the user another password. It may be repeated.
    func setUpBroker(_ name: NodeName, password: String) async throws {
        try await TaskTopology.declareShared(publisher)
        try await TaskTopology.declareQueue(of: name, publisher)
        try await broker.putUser(of: name, password: password)
    }

    private func newCredentials(for name: NodeName) -> NewCredentials {
        let password = Secret.make()
        var url = brokerURL
        url.user = BrokerAdministration.user(of: name)
        url.password = password
        let key = Secret.make(prefix: "gantry-node-")
        return NewCredentials(
            shown: NodeCredentials(node: name, apiKey: key, amqpURL: url.string ?? ""),
            digest: APIKeyStore.digest(of: key),
            password: password
        )
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

/// Credentials with what is kept of them.
private struct NewCredentials: Sendable {
    let shown: NodeCredentials
    let digest: Data
    let password: String
}
