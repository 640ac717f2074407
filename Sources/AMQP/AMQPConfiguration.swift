// SPDX-License-Identifier: Apache-2.0

import CRabbitMQ
import Glibc

/// Where the broker is and how to log in. Its description shows no secret.
public struct AMQPConfiguration: Sendable, CustomStringConvertible {
    public var host: String
    public var port: Int
    public var virtualHost: String
    public var user: String
    public var password: String
    public var usesTLS: Bool
    /// The certificate authorities that the broker's certificate is checked against, a PEM file. For `amqps` only.
    public var authorities = "/etc/ssl/certs/ca-certificates.crt"
    /// Seconds after which a consumer and its broker take the silent other for gone.
    public var heartbeat = 20
    /// Seconds for making a connection and for each answer.
    public var timeout = 10

    /// - Parameter url: `amqp://USER:PASSWORD@HOST:PORT/VHOST` or `amqps://…`, percent-encoded (RabbitMQ URI
    ///   specification).
    /// - Throws: ``AMQPError`` that does not quote the URL.
    public init(url: String) throws(AMQPError) {
        let copy = unsafe strdup(url)
        defer { unsafe free(copy) }
        var info = unsafe amqp_connection_info()
        guard let copy = unsafe copy, unsafe amqp_parse_url(copy, &info) == AMQP_STATUS_OK.rawValue else {
            throw AMQPError(
                .configuration,
                "the broker's URL cannot be read; write amqp://USER:PASSWORD@HOST:PORT/VHOST, percent-encoded"
            )
        }
        host = unsafe String(cString: info.host)
        port = unsafe Int(info.port)
        virtualHost = unsafe String(cString: info.vhost)
        user = unsafe String(cString: info.user)
        password = unsafe String(cString: info.password)
        usesTLS = unsafe info.ssl != 0
    }

    public var description: String { "\(user) at \(host):\(port), virtual host \(virtualHost)" }
}
