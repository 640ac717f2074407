// SPDX-License-Identifier: Apache-2.0

import Hummingbird
public import Logging
public import ServiceLifecycle

/// `/healthz`, `/readyz` and `/metrics` for the operator, on an address of their own, loopback unless told otherwise.
public struct StatusServer: Service {
    private let name: String
    private let address: String
    private let port: Int
    private let probes: ProbeRoutes
    private let metrics: PrometheusMetrics
    private let logger: Logger

    /// - Parameters:
    ///   - name: the program's, for the `Server` header.
    ///   - address: where to listen.
    ///   - port: 0 for any free one.
    ///   - probes: `/healthz` and `/readyz`.
    ///   - metrics: what `/metrics` tells.
    ///   - logger: for the server's own troubles.
    public init(
        name: String,
        address: String,
        port: Int,
        probes: ProbeRoutes,
        metrics: PrometheusMetrics,
        logger: Logger
    ) {
        (self.name, self.address, self.port) = (name, address, port)
        (self.probes, self.metrics, self.logger) = (probes, metrics, logger)
    }

    public func run() async throws {
        let router = Router()
        probes.add(to: router)
        router.get("/metrics") { _, _ in metrics.text }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(address, port: port), serverName: name),
            logger: logger
        )
        try await application.run()
    }
}
