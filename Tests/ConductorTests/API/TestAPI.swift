// SPDX-License-Identifier: Apache-2.0

import AMQP
import AsyncHTTPClient
import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import HummingbirdTesting
import Logging
import NIOCore
import NIOSSL
import Observability
import Postgres
import Settings
import Testing

/// The conductor's routes over a test's cloud, and keys of those who may call them.
struct TestAPI: Sendable {
    let cloud: Cloud
    let client: any TestClientProtocol
    /// What the routes answer to, without answers to wrong methods.
    let routes: [(method: HTTPRequest.Method, path: String)]

    /// Of the cloud's own organization.
    static let key = "key-of-ada"
    /// Of another organization, which has nothing.
    static let strangersKey = "key-of-bob"
    static let operatorsKey = "key-of-olga"

    /// Lends the routes over an empty cloud with one large node.
    ///
    /// - Parameters:
    ///   - acceptsTestKeys: whether the test data's key is one.
    ///   - pool: the floating IPs there are.
    ///   - broker: a virtual host for nodes' queues; without one nothing answers there.
    ///   - rateLimit: of each tenant's key.
    ///   - imageStore: the image store's directory; without one no snapshots can be taken.
    ///   - setup: live for tests of connections.
    ///   - tls: what the routes are served with; nil for plain HTTP.
    ///   - authorities: what hosts that join get.
    ///   - logger: gets what is logged; without one nobody does.
    ///   - body: gets the routes.
    /// - Throws: what `body` throws.
    static func with(
        acceptsTestKeys: Bool = true,
        pool: String = "203.0.113.0/24",
        broker: TemporaryVirtualHost? = nil,
        rateLimit: RateLimit? = nil,
        imageStore: String? = nil,
        setup: TestingSetup = .router,
        tls: TLSConfiguration? = nil,
        authorities: CertificateAuthorities? = nil,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: @Sendable (TestAPI) async throws -> Void
    ) async throws {
        try await Cloud.with(pool: pool) { cloud in
            try await cloud.addNode("one")
            try await addKeys(to: cloud)
            let database = cloud.database
            let registry = try await registry(database, broker)
            let api = ConductorAPI(
                database: database,
                keys: APIKeyStore(database: database, acceptsTestKeys: acceptsTestKeys),
                lifecycle: cloud.lifecycle,
                nodes: NodeRoutes(
                    authenticator: NodeAuthenticator(database: database),
                    sessions: NodeSessions(database: database, logger: logger),
                    reports: NodeReports(database: database, outbox: cloud.outbox, logger: logger),
                    metrics: MachineMetricStore(database: database),
                    jobs: MachineJobs(database: database),
                    consoles: ConsoleRelay(
                        store: ConsoleStore(database: database),
                        lifecycle: cloud.lifecycle,
                        ownURL: nil
                    ),
                    registry: registry,
                    images: imageStore.map { NodeImages(files: ImageFiles(directory: $0), database: database) },
                    logger: logger
                ),
                registry: registry,
                authorities: authorities,
                limiter: RateLimiter(rateLimit),
                probes: ProbeRoutes(parts: [], health: Health(), liveness: Liveness(), tellsReasons: false),
                logger: logger
            )
            let routes = api.declaredRoutes.routes.map { (method: $0.method, path: "\($0.path)") }
            let server = try tls.map { try HTTPServerBuilder.tls(tlsConfiguration: $0) } ?? .http1()
            try await Application(router: api.router, server: server)
                .test(setup) { client in
                    try await body(TestAPI(cloud: cloud, client: client, routes: routes))
                }
        }
    }

    static func registry(_ database: Database, _ broker: TemporaryVirtualHost?) async throws -> NodeRegistry {
        // Port 9 is that of the discard protocol, on which nothing listens.
        let configuration = try broker?.configuration ?? AMQPConfiguration(url: "amqp://nobody:none@127.0.0.1:9/%2f")
        let management =
            if broker == nil { "http://nobody:none@127.0.0.1:9" } else { try await TestServices.shared.managementURL }
        return NodeRegistry(
            database: database,
            broker: try BrokerAdministration(
                client: .shared,
                url: management,
                virtualHost: configuration.virtualHost
            ),
            publisher: AMQPPublisher(configuration),
            brokerAddress: configuration
        )
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

    /// Calls a route as somebody, and checks that the answer is as the API's description has it.
    ///
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: below the root, such as `/v1/core/flavors`.
    ///   - body: JSON.
    ///   - key: whose call it is; nil for nobody's.
    ///   - headers: beside the key.
    ///   - sourceLocation: to which failures of the check belong.
    /// - Returns: the answer, whatever its status.
    /// - Throws: when the route threw past all handling.
    @discardableResult
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        key: String? = TestAPI.key,
        headers: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> APIAnswer {
        var fields = HTTPFields()
        for (name, value) in headers { fields[try #require(HTTPField.Name(name))] = value }
        if let key { fields[.authorization] = "Bearer \(key)" }
        let answer = try await client.execute(
            uri: path,
            method: method,
            headers: fields,
            body: body.map { ByteBuffer(string: $0) }
        ) { response in
            APIAnswer(status: response.status, headers: response.headers, body: Data(response.body.readableBytesView))
        }
        try OpenAPIContract.shared.get().check(method, path, answer, sourceLocation: sourceLocation)
        return answer
    }

    /// Calls a route of agents and hosts, which the API's description does not have; without a key as nobody.
    func callInternal(
        _ method: HTTPRequest.Method,
        _ path: String,
        key: String?,
        _ body: (any Encodable)? = nil
    ) async throws -> APIAnswer {
        try await client.execute(
            uri: path,
            method: method,
            headers: key.map { [.authorization: "Bearer \($0)"] } ?? [:],
            body: try body.map { ByteBuffer(bytes: try NodeJSON.encoder.encode($0)) }
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
