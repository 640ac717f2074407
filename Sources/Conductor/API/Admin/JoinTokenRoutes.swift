// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird
import Settings

/// `/v1/admin/join-tokens`: what lets hosts become nodes.
struct JoinTokenRoutes: Sendable {
    let store: JoinTokenStore
    let regions: RegionStore
    /// What the conductor is known by to hosts; nil for what the system trusts.
    let authorities: CertificateAuthorities?

    private static let usualLifetime = 3600
    private static let lifetimes = 60...604_800

    func add(to admin: RouterGroup<OperatorContext>) {
        let tokens = admin.group("join-tokens")
        tokens.get { request, _ in
            let paging = try Paging(request)
            let page = try await store.tokens(paging.rows())
            return try Response.json(page, paging, message: "These are the join tokens, newest first.") {
                JoinTokenBody($0)
            }
        }
        tokens.post { request, _ in
            let body = try await request.json(CreateJoinTokenRequest.self)
            let (record, secret) = try await store.create(
                region: try await regions.id(of: body.region),
                hostname: try body.hostname.map { try TextField.check($0, "hostname", maximumLength: 253) },
                lifetime: .seconds(try Self.lifetime(body.expiresIn))
            )
            let token = JoinToken(secret: secret, authorities: authorities?.digest)
            return try Response.json(
                JoinTokenBody(record, token: "\(token)"),
                message: "The join token was created. It is shown this once."
            )
        }
        tokens.delete(":id") { _, context in
            let record = try await store.revoke(try context.identifier("join token"))
            return try Response.json(JoinTokenBody(record), message: "The join token is good for nothing now.")
        }
    }

    private static func lifetime(_ seconds: Int?) throws(APIError) -> Int {
        let seconds = seconds ?? usualLifetime
        guard lifetimes.contains(seconds) else {
            throw .invalid(
                "expires_in",
                "it is \(seconds); use \(lifetimes.lowerBound) to \(lifetimes.upperBound) seconds."
            )
        }
        return seconds
    }
}

extension JoinTokenBody {
    fileprivate init(_ record: JoinTokenRecord, token: String? = nil) {
        self.init(
            id: record.id.rawValue,
            token: token,
            region: record.regionName,
            hostname: record.hostname,
            state: record.state.rawValue,
            node: record.node?.description,
            usedAt: record.usedAt.map { Timestamp($0) },
            expiresAt: Timestamp(record.expiresAt),
            createdAt: Timestamp(record.createdAt)
        )
    }
}
