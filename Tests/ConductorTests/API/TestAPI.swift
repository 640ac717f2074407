// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Observability
import Postgres
import Testing

/// The conductor's routes over a test's cloud, and keys of those who may call them.
struct TestAPI: Sendable {
    let cloud: Cloud
    let client: any TestClientProtocol

    /// Of the cloud's own organization.
    static let key = "key-of-ada"
    /// Of another organization, which has nothing.
    static let strangersKey = "key-of-bob"
    static let operatorsKey = "key-of-olga"

    /// Lends the routes over an empty cloud with one large node.
    static func with(
        acceptsTestKeys: Bool = true,
        pool: String = "203.0.113.0/24",
        _ body: @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await Cloud.with(pool: pool) { cloud in
            try await cloud.addNode("one")
            try await addKeys(to: cloud)
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let database = cloud.database
            let api = ConductorAPI(
                database: database,
                keys: APIKeyStore(database: database, acceptsTestKeys: acceptsTestKeys),
                lifecycle: cloud.lifecycle,
                nodes: NodeRoutes(
                    authenticator: NodeAuthenticator(database: database),
                    sessions: NodeSessions(database: database, logger: logger),
                    reports: NodeReports(database: database, outbox: cloud.outbox, logger: logger)
                ),
                health: Health(),
                logger: logger
            )
            try await Application(router: api.router)
                .test(.router) { client in try await body(TestAPI(cloud: cloud, client: client)) }
        }
    }

    private static func addKeys(to cloud: Cloud) async throws {
        try await cloud.execute(
            """
            WITH stranger AS (INSERT INTO organization (name) VALUES ('stranger') RETURNING id),
                bob AS (INSERT INTO user_account (organization_id, name) SELECT id, 'bob' FROM stranger RETURNING id),
                olga AS (INSERT INTO user_account (name) VALUES ('olga') RETURNING id)
            INSERT INTO api_key (user_id, name, digest)
            SELECT \(cloud.user)::bigint, 'ada', \(APIKeyStore.digest(of: key))::bytea
            UNION ALL SELECT id, 'bob', \(APIKeyStore.digest(of: strangersKey))::bytea FROM bob
            UNION ALL SELECT id, 'olga', \(APIKeyStore.digest(of: operatorsKey))::bytea FROM olga
            """
        )
    }

    /// Calls a route as somebody.
    ///
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: below the root, such as `/v1/core/flavors`.
    ///   - body: JSON.
    ///   - key: whose call it is; nil for nobody's.
    ///   - headers: beside the key.
    /// - Returns: the answer, whatever its status.
    /// - Throws: when the route threw past all handling.
    @discardableResult
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        key: String? = TestAPI.key,
        headers: [String: String] = [:]
    ) async throws -> APIAnswer {
        var fields = HTTPFields()
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        if let key { fields[.authorization] = "Bearer \(key)" }
        return try await client.execute(
            uri: path,
            method: method,
            headers: fields,
            body: body.map { ByteBuffer(string: $0) }
        ) { response in
            APIAnswer(status: response.status, headers: response.headers, body: Data(response.body.readableBytesView))
        }
    }
}

/// What a route answered.
struct APIAnswer: Sendable, CustomStringConvertible {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let body: Data

    /// The answer as a type of the API.
    func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try RESTJSON.decoder.decode(type, from: body)
    }

    /// What is wrong, in the API's form.
    var error: ErrorBody? { try? RESTJSON.decoder.decode(ErrorBody.self, from: body) }

    var description: String { "\(status.code) \(String(decoding: body, as: UTF8.self))" }
}
