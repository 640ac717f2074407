// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
public import Logging
import NIOCore
public import ServiceLifecycle

/// `/healthz`, `/readyz` and `/metrics` for the operator, on an address of their own, loopback unless told otherwise.
public struct StatusServer: Service {
    private let name: String
    private let address: String
    private let port: Int
    private let health: Health
    private let metrics: PrometheusMetrics
    private let logger: Logger

    /// - Parameters:
    ///   - name: the program's, for the `Server` header.
    ///   - address: where to listen.
    ///   - port: 0 for any free one.
    ///   - health: what `/healthz` tells.
    ///   - metrics: what `/metrics` tells.
    ///   - logger: for the server's own troubles.
    public init(
        name: String,
        address: String,
        port: Int,
        health: Health,
        metrics: PrometheusMetrics,
        logger: Logger
    ) {
        (self.name, self.address, self.port) = (name, address, port)
        (self.health, self.metrics, self.logger) = (health, metrics, logger)
    }

    public func run() async throws {
        let router = Router()
        // One answer to both questions: a part that is ill mends by itself or not at all, and no restart helps it.
        for path in ["/healthz", "/readyz"] { router.get("\(path)") { _, _ in health.response } }
        router.get("/metrics") { _, _ in metrics.text }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(address, port: port), serverName: name),
            logger: logger
        )
        try await application.run()
    }
}

extension Health {
    /// `200 ok`, or 503 with a line for each part that is ill.
    public var response: Response {
        let complaints = complaints
        let text = complaints.isEmpty ? "ok\n" : complaints.map { "\($0.part): \($0.reason)\n" }.joined()
        return Response(
            status: complaints.isEmpty ? .ok : .serviceUnavailable,
            headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }
}
