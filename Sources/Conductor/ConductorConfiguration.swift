// SPDX-License-Identifier: Apache-2.0

import AMQP
import Foundation
package import GantryModel
package import Logging
import Postgres
package import Settings

/// What a conductor is told: environment over credentials over file.
///
/// ## Configuration keys:
/// - `database.url` (string, required, secret): PostgreSQL, as libpq reads URLs, such as
///   `postgresql://gantry:PASSWORD@127.0.0.1/gantry`.
/// - `database.connections` (integer 2 to 100, default 8): connections to hold at most.
/// - `amqp.url` (string, required, secret): RabbitMQ as a user who may do everything in its virtual host, such as
///   `amqp://gantry:PASSWORD@127.0.0.1:5672/gantry`.
/// - `amqp.agent_host` (string, default the host of `amqp.url`): RabbitMQ's name as agents see it.
/// - `rabbitmq.management_url` (string, required, secret): RabbitMQ's management plugin as a user who may make users, such as
///   `http://gantry:PASSWORD@127.0.0.1:15672`.
/// - `listen.address` (string, default `127.0.0.1`): where the API is.
/// - `listen.port` (integer 0 to 65535, default 8080): its port; 0 for any free one.
/// - `listen.certificate` (string, optional, reloaded): a PEM file with the API's certificate, then those that lead to its authority's.
///   With it and the key the API speaks TLS alone.
/// - `listen.key` (string, optional, reloaded): a PEM file with the certificate's key.
/// - `listen.allow_plain` (boolean, default false): whether the API may listen beyond loopback without TLS, where something
///   else keeps keys from being read on the way, such as a proxy or a tunnel.
/// - `tls.authorities` (string, default what the system trusts): a PEM file with the certificate authority of the cloud's own
///   certificates, those of the API and of RabbitMQ. Hosts that join get it.
/// - `status.address` (string, default `127.0.0.1`): where `/healthz`, `/readyz` and `/metrics` are.
/// - `status.port` (integer 0 to 65535, default 9181): their port; 0 for any free one.
/// - `node.report_interval` (integer 1 to 300, default 10): seconds between an agent's reports.
/// - `node.desired_interval` (integer 1 to 3600, default 60): seconds between an agent's looks at what is wanted.
/// - `callbacks.allow_private` (boolean, default false): whether tenants' callbacks may go to addresses that are not on the
///   Internet; for tests and closed clouds.
/// - `rate_limit.requests_per_minute` (integer 0 to 1000000, default 500, reloaded): of each tenant's key; 0 for no limit.
/// - `rate_limit.burst` (integer 1 to 1000000, default 500, reloaded): so many of them at once, after a pause.
/// - `console.public_url` (string, default as the request came): the API's address for browsers, such as
///   `https://cloud.example`.
/// - `console.own_url` (string, default the address that agents know): this conductor's own address for agents; needed
///   where several conductors share one.
/// - `console.novnc_directory` (string, default `/usr/share/novnc`): the files of noVNC, which Debian's `novnc` installs.
/// - `image_store.directory` (string, optional): where snapshots and tenants' images are kept; all conductors share it.
///   Without it there are none.
/// - `log.level` (`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`, default `info`,
///   reloaded): the least that the log tells.
package struct ConductorConfiguration: Sendable {
    package var databaseURL: String
    package var databaseConnections: Int
    package var amqpURL: String
    package var amqpAgentHost: String?
    package var managementURL: String
    package var listenAddress: String
    package var listenPort: Int
    /// Nil for plain HTTP.
    package var listenTLS: ListenTLS?
    /// Nil for what the system trusts.
    package var authorities: (path: String, content: CertificateAuthorities)?
    package var statusAddress: String
    package var statusPort: Int
    package var intervals: NodeIntervals
    package var callbacks: CallbackPolicy
    package var consoles: ConsoleSettings
    /// Nil for none.
    package var rateLimit: RateLimit?
    /// Nil for no image store.
    package var imageStoreDirectory: String?
    package var logLevel: Logger.Level

    /// - Throws: `InvalidValue` with all that is wrong, a line for each key.
    package init(_ settings: SettingsReader) throws(InvalidValue) {
        let databaseURL = settings.required("database.url", isSecret: true) { text in
            _ = try DatabaseConfiguration(url: text)
            return text
        }
        databaseConnections = settings.number("database.connections", default: 8, in: 2...100)
        let amqpURL = settings.required("amqp.url", isSecret: true) { text in
            _ = try AMQPConfiguration(url: text)
            return text
        }
        amqpAgentHost = settings.text("amqp.agent_host")
        let managementURL = settings.required("rabbitmq.management_url", isSecret: true) { text in
            _ = try BrokerAdministration.Address(url: text)
            return text
        }
        listenAddress = settings.text("listen.address", default: "127.0.0.1")
        listenPort = settings.number("listen.port", default: 8080, in: 0...65535)
        listenTLS = ListenTLS(settings)
        let allowsPlain = settings.flag("listen.allow_plain", default: false)
        authorities = settings.authorities()
        statusAddress = settings.text("status.address", default: "127.0.0.1")
        statusPort = settings.number("status.port", default: 9181, in: 0...65535)
        intervals = NodeIntervals()
        intervals.report = settings.number("node.report_interval", default: 10, in: 1...300)
        intervals.desired = settings.number("node.desired_interval", default: 60, in: 1...3600)
        callbacks = CallbackPolicy(allowsPrivate: settings.flag("callbacks.allow_private", default: false))
        let rate = settings.number("rate_limit.requests_per_minute", default: 500, in: 0...1_000_000)
        let burst = settings.number("rate_limit.burst", default: 500, in: 1...1_000_000)
        rateLimit = rate == 0 ? nil : RateLimit(requestsPerMinute: rate, burst: burst)
        consoles = ConsoleSettings(
            publicURL: settings.text("console.public_url"),
            ownURL: settings.text("console.own_url"),
            noVNCDirectory: settings.text("console.novnc_directory", default: ConsoleSettings.usualDirectory)
        )
        imageStoreDirectory =
            settings.parsed("image_store.directory") { text in
                guard text.isEmpty || text.hasPrefix("/") else {
                    throw InvalidValue("“\(text)” is no whole path; write it from “/” on.")
                }
                return text
            }
            .flatMap { $0.isEmpty ? nil : $0 }
        logLevel = settings.choice("log.level", default: .info)
        (self.databaseURL, self.amqpURL) = (databaseURL ?? "", amqpURL ?? "")
        self.managementURL = managementURL ?? ""
        if !settings.says("listen.certificate"), !allowsPlain, !isLoopbackOnly {
            settings.refuse(
                "listen.address",
                "“\(listenAddress)” is where others could read the keys that come without TLS. Name listen.certificate "
                    + "and listen.key, or set listen.allow_plain where a proxy or a tunnel encrypts."
            )
        }
        try settings.finish()
    }

    /// Whether only this machine can reach the API. The test data's key is good for nothing else.
    package var isLoopbackOnly: Bool {
        listenAddress == "localhost" || listenAddress == "::1" || listenAddress.hasPrefix("127.")
    }
}
