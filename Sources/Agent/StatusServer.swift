// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import NIOCore
import Observability
import ServiceLifecycle

/// `/healthz` and `/metrics` for the operator, on loopback unless told otherwise.
struct StatusServer: Service {
    let address: String
    let port: Int
    let health: Health
    let metrics: PrometheusMetrics
    let logger: Logger

    func run() async throws {
        let router = Router()
        router.get("/healthz") { _, _ in
            let complaints = health.complaints
            let text = complaints.isEmpty ? "ok\n" : complaints.map { "\($0.part): \($0.reason)\n" }.joined()
            return Response(
                status: complaints.isEmpty ? .ok : .serviceUnavailable,
                body: .init(byteBuffer: ByteBuffer(string: text))
            )
        }
        router.get("/metrics") { _, _ in metrics.text }
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(address, port: port), serverName: "gantry-agent"),
            logger: logger.quieted
        )
        try await application.run()
    }
}
