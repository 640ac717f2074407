// SPDX-License-Identifier: Apache-2.0

import AsyncAlgorithms
import Foundation
import GantryModel
import GantryProtocol
package import Hummingbird
package import Logging
package import Postgres

/// What agents call: `/v1/internal/nodes/{node}/…`, each with its node's API key.
package struct NodeRoutes: Sendable {
    private let authenticator: NodeAuthenticator
    private let sessions: NodeSessions
    private let reports: NodeReports
    private let metrics: MachineMetricStore
    private let jobs: MachineJobs
    private let consoles: ConsoleRelay
    private let registry: NodeRegistry
    private let logger: Logger
    /// Nil where there is no image store.
    private let images: NodeImageRoutes?

    /// A report of some thousand machines fits.
    private static let maximumBody = 8 << 20

    package init(
        authenticator: NodeAuthenticator,
        sessions: NodeSessions,
        reports: NodeReports,
        metrics: MachineMetricStore,
        jobs: MachineJobs,
        consoles: ConsoleRelay,
        registry: NodeRegistry,
        images: NodeImages? = nil,
        logger: Logger
    ) {
        self.images = images.map { NodeImageRoutes(files: $0.files, store: $0.store) }
        (self.authenticator, self.sessions, self.reports) = (authenticator, sessions, reports)
        (self.metrics, self.jobs, self.consoles) = (metrics, jobs, consoles)
        (self.registry, self.logger) = (registry, logger)
    }

    /// Whether there is an image store.
    var hasImages: Bool { images != nil }

    /// Adds the routes, with their full paths.
    package func add<Context: RequestContext>(to router: some RouterMethods<Context>) {
        let nodes = router.group("v1/internal/nodes/:node")
        nodes.post("sessions") { request, context in
            let node = try await identity(request, context)
            let body = try await decode(NodeSessionRequest.self, request)
            return try Self.json(try await sessions.open(body, for: node))
        }
        nodes.post("reports") { request, context in
            let node = try await identity(request, context)
            let body = try await decode(NodeReport.self, request)
            return try Self.json(try await reports.accept(body, from: node))
        }
        nodes.post("metrics") { request, context in
            let node = try await identity(request, context)
            let body = try await decode(NodeMetrics.self, request)
            try NodeRefusal.check(protocolVersion: body.protocolVersion)
            try await metrics.keep(body.machines, of: node.id)
            return Response(status: .noContent)
        }
        nodes.post("jobs/:job") { request, context in
            let node = try await identity(request, context)
            let body = try await decode(MachineJobOutcome.self, request)
            try await jobs.finish(context.identifier("job", "job"), body, by: node.id)
            return Response(status: .noContent)
        }
        nodes.post("consoles/:job") { request, context in
            let node = try await identity(request, context)
            let end = try await consoles.accept(context.identifier("console", "job"), from: node.id)
            return Self.joined(request.body, end)
        }
        nodes.put("credentials") { request, context in
            let node = try await identity(request, context)
            let body = try await decode(NodeCredentialsRequest.self, request)
            try await registry.take(body, of: node)
            logger.notice(
                "A node told its secrets",
                metadata: ["node.name": "\(node.name)", "rotation": "\(body.rotation)"]
            )
            return Response(status: .noContent)
        }
        if let images { add(images, to: nodes) }
        nodes.get("desired") { request, context in
            let node = try await identity(request, context)
            let known = request.headers[.ifNoneMatch].flatMap { Self.revision(ofTag: $0) }
            guard let state = try await sessions.desired(of: node, unless: known) else {
                return Response(status: .notModified)
            }
            return try Self.json(state, tag: "\"\(state.revision)\"")
        }
    }

    /// Both bodies at once, until one of them ends.
    private static func joined(_ display: RequestBody, _ browser: ConsolePipe.End) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "application/octet-stream"],
            body: ResponseBody { writer in
                let reading = Task {
                    for try await bytes in display { await browser.send(bytes) }
                    browser.finish()
                }
                defer { reading.cancel() }
                defer { browser.finish() }
                for await bytes in browser.incoming { try await writer.write(bytes) }
                try await writer.finish(nil)
            }
        )
    }

    private func add<Context: RequestContext>(_ images: NodeImageRoutes, to nodes: RouterGroup<Context>) {
        nodes.get("images/:image") { request, context in
            _ = try await identity(request, context)
            return try await images.serve(request, context)
        }
        nodes.get("images/:image/upload") { request, context in
            let node = try await identity(request, context)
            return try Self.json(try await images.uploadState(context, of: node))
        }
        nodes.put("images/:image/upload") { request, context in
            let node = try await identity(request, context)
            return try Self.json(try await images.upload(request, context, from: node))
        }
    }

    private func identity(_ request: Request, _ context: some RequestContext) async throws -> NodeIdentity {
        guard let name = try? NodeName(context.parameters.get("node") ?? "") else {
            throw APIError(.notFound, "The path names no node.")
        }
        guard let key = request.headers.bearer else {
            throw APIError(.unauthorized, "Send the node's API key as “Authorization: Bearer KEY”.")
        }
        return try await authenticator.authenticate(key, as: name)
    }

    /// The revision in `"17"` or `W/"17"`; nil for anything else, which then is not what we have.
    private static func revision(ofTag tag: String) -> Int64? {
        Int64(tag.trimmingPrefix("W/").filter { $0 != "\"" })
    }

    private func decode<Body: Decodable>(_ type: Body.Type, _ request: Request) async throws -> Body {
        let buffer = try await request.body.collect(upTo: Self.maximumBody)
        do {
            return try NodeJSON.decoder.decode(type, from: Data(buffer.readableBytesView))
        } catch {
            throw APIError(.badRequest, "The body is no \(type): \(error)")
        }
    }

    private static func json(_ value: some Encodable, tag: String? = nil) throws -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        if let tag { headers[.eTag] = tag }
        return Response(
            status: .ok,
            headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try NodeJSON.encoder.encode(value)))
        )
    }
}

/// What nodes need of the image store.
package struct NodeImages: Sendable {
    package let files: ImageFiles
    package let store: SnapshotFileStore

    package init(files: ImageFiles, database: Database) {
        (self.files, store) = (files, SnapshotFileStore(database: database))
    }
}

extension HTTPFields {
    /// The key in `Authorization: Bearer KEY`.
    var bearer: String? {
        let parts = self[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}
