// SPDX-License-Identifier: Apache-2.0

package import AMQP
import AsyncHTTPClient
package import Postgres
import Settings

/// What the conductor's program and its commands both stand on: the database, the broker, and the nodes' registry.
package struct ConductorParts: Sendable {
    package let database: Database
    package let broker: AMQPConfiguration
    /// Makes and removes nodes.
    package let registry: NodeRegistry
    /// The broker's management API.
    package let administration: BrokerAdministration
    private let client: HTTPClient
    private let publisher: AMQPPublisher

    /// Nothing is connected yet.
    ///
    /// - Throws: for a URL that cannot be read; the error quotes no secret.
    package init(_ configuration: ConductorConfiguration) throws {
        database = Database(
            try DatabaseConfiguration(
                url: configuration.databaseURL,
                maximumConnections: configuration.databaseConnections
            )
        )
        var broker = try AMQPConfiguration(url: configuration.amqpURL)
        if let authorities = configuration.authorities { broker.authorities = authorities.path }
        self.broker = broker
        publisher = AMQPPublisher(broker)
        var agentsBroker = broker
        agentsBroker.host = configuration.amqpAgentHost ?? broker.host
        client = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: .init(tlsConfiguration: configuration.authorities?.content.clientConfiguration)
        )
        administration = try BrokerAdministration(
            client: client,
            url: configuration.managementURL,
            virtualHost: broker.virtualHost
        )
        registry = NodeRegistry(
            database: database,
            broker: administration,
            publisher: publisher,
            brokerAddress: agentsBroker
        )
    }

    /// Ends the connections. To be called once, last.
    package func shutDown() async throws {
        await publisher.close()
        try await client.shutdown()
    }
}
