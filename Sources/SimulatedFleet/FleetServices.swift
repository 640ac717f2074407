// SPDX-License-Identifier: Apache-2.0

/// What a fleet of simulated nodes works with: real services and a running conductor.
public struct FleetServices: Sendable {
    /// PostgreSQL, where nodes are registered.
    public var databaseURL: String
    /// RabbitMQ as a user who may do everything.
    public var amqpURL: String
    /// RabbitMQ's management API, `http://USER:PASSWORD@HOST:PORT`.
    public var managementURL: String
    /// The conductor, `http://HOST:PORT`.
    public var conductorURL: String

    public init(databaseURL: String, amqpURL: String, managementURL: String, conductorURL: String) {
        (self.databaseURL, self.amqpURL) = (databaseURL, amqpURL)
        (self.managementURL, self.conductorURL) = (managementURL, conductorURL)
    }
}
