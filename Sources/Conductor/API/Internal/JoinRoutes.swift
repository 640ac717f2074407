// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import Hummingbird
import Logging
import Settings

/// What a host calls that is no node yet: `/v1/internal/authorities` and `/v1/internal/join`.
struct JoinRoutes: Sendable {
    let registry: NodeRegistry
    /// Nil for what the system trusts.
    let authorities: CertificateAuthorities?
    let logger: Logger

    /// Of one address: nobody has a key yet by which to tell them.
    private let limiter = RateLimiter<String>(RateLimit(requestsPerMinute: 30, burst: 30))
    private static let maximumBody = 16 << 10

    init(registry: NodeRegistry, authorities: CertificateAuthorities?, logger: Logger) {
        (self.registry, self.authorities, self.logger) = (registry, authorities, logger)
    }

    func add(to router: some RouterMethods<APIContext>) {
        let nodes = router.group("v1/internal")
        nodes.get("authorities") { _, context in
            try limit(context)
            guard let authorities else {
                throw APIError(.notFound, "This conductor has no certificate authority of its own.")
            }
            return Response(
                status: .ok,
                headers: [.contentType: "application/x-pem-file"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: authorities.pem))
            )
        }
        nodes.post("join") { request, context in
            try limit(context)
            return try await join(request, context)
        }
    }

    private func limit(_ context: APIContext) throws {
        guard let wait = limiter.take(context.address) else { return }
        throw APIError.tooManyRequests("This address makes too many requests", wait: wait)
    }

    private func join(_ request: Request, _ context: APIContext) async throws -> Response {
        guard let secret = request.headers.bearer else {
            throw APIError(.unauthorized, "Send the join token as “Authorization: Bearer TOKEN”.")
        }
        let body = try NodeJSON.decoder.decode(
            NodeJoinRequest.self,
            from: Data(try await request.body.collect(upTo: Self.maximumBody).readableBytesView)
        )
        let answer = try await registry.join(body, secret: secret)
        logger.notice(
            "A host joined",
            metadata: [
                "node.name": "\(body.node)", "host.name": "\(body.hostname)", "client.address": "\(context.address)",
            ]
        )
        return Response(
            status: .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try NodeJSON.encoder.encode(answer)))
        )
    }
}
