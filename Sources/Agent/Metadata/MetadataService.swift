// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
import HTTPTypes
package import Hummingbird
package import Logging
import NIOCore
import Observability

/// Answers each guest with its own data and no other's, on the link-local address that clouds use for it.
///
/// A guest is known by its source address, which the packet filter lets it not forge. A token is needed, so that a
/// program in the guest that can be made to fetch a URL cannot be made to fetch these.
package struct MetadataService: Sendable {
    /// The machine with this address on this host.
    package typealias Lookup = @Sendable (IPv4Address) async -> MachineTask?

    private let lookup: Lookup
    private let tokens = MetadataTokens()
    private let logger: Logger

    package init(logger: Logger, lookup: @escaping Lookup) {
        (self.logger, self.lookup) = (logger, lookup)
    }

    fileprivate struct Context: RequestContext, RemoteAddressRequestContext {
        var coreContext: CoreRequestContextStorage
        let remoteAddress: SocketAddress?

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            remoteAddress = source.channel.remoteAddress
        }
    }

    /// The server, which runs until it is shut down.
    package func application(host: String, port: Int) -> some ApplicationProtocol {
        let router = Router(context: Context.self)
        // All below one parameter: the router, once on the way of a literal, does not turn back to a wildcard.
        router.put(":version/api/token") { request, context in await issue(request, context) }
        for path in ["/", ":version", ":version/**"] as [RouterPath] {
            router.get(path) { request, context in await show(request, context) }
        }
        return Application(
            router: router,
            configuration: .init(address: .hostname(host, port: port), serverName: "gantry"),
            logger: logger.quieted
        )
    }

    private func issue(_ request: Request, _ context: Context) async -> Response {
        // A proxy in the guest must not be talked into handing a token out.
        guard request.headers[.forwardedFor] == nil else { return Response(status: .forbidden) }
        guard let machine = await machine(context) else { return Response(status: .notFound) }
        guard let seconds = request.headers[.tokenSeconds].flatMap(Int.init),
            let token = tokens.issue(to: machine.uuid, at: .now, for: seconds)
        else { return Response(status: .badRequest) }
        return Response(
            status: .ok,
            headers: [.tokenSeconds: "\(seconds)", .contentType: "text/plain"],
            body: .init(byteBuffer: ByteBuffer(string: token))
        )
    }

    private func show(_ request: Request, _ context: Context) async -> Response {
        guard let machine = await machine(context), let spec = machine.spec else { return Response(status: .notFound) }
        guard let token = request.headers[.token], tokens.accepts(token, of: machine.uuid, at: .now) else {
            return Response(status: .unauthorized)
        }
        guard let contents = MetadataTree(uuid: machine.uuid, spec: spec).contents(at: request.uri.path) else {
            return Response(status: .notFound)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "text/plain"],
            body: .init(byteBuffer: ByteBuffer(bytes: contents))
        )
    }

    private func machine(_ context: Context) async -> MachineTask? {
        guard let text = context.remoteAddress?.ipAddress, let address = try? IPv4Address(text) else { return nil }
        return await lookup(address)
    }
}

extension HTTPField.Name {
    // Literals that are valid header names; the initializer is failable for others.
    fileprivate static let token = HTTPField.Name("X-aws-ec2-metadata-token") ?? .authorization
    fileprivate static let tokenSeconds = HTTPField.Name("X-aws-ec2-metadata-token-ttl-seconds") ?? .age
    fileprivate static let forwardedFor = HTTPField.Name("X-Forwarded-For") ?? .via
}
