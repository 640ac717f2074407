// SPDX-License-Identifier: Apache-2.0

package import AsyncHTTPClient
import Foundation
package import GantryModel
import NIOCore
import NIOHTTP1

/// RabbitMQ's management API, as far as nodes need it: users and what they may do. Every call may be repeated.
package struct BrokerAdministration: Sendable {
    private let client: HTTPClient
    private let base: String
    private let authorization: String
    private let virtualHost: String

    /// A list of ten thousand queues fits.
    private static let longestAnswer = 4 << 20

    /// What RabbitMQ answered instead of doing it.
    package struct Failure: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    /// Where it is, and as whom it is asked.
    struct Address {
        let base: String
        let authorization: String

        init(url: String) throws(Failure) {
            guard var parts = URLComponents(string: url), let user = parts.user, let password = parts.password,
                ["http", "https"].contains(parts.scheme), parts.host != nil
            else {
                throw Failure(
                    description:
                        "The URL of RabbitMQ's management API cannot be read; write http://USER:PASSWORD@HOST:PORT."
                )
            }
            (parts.user, parts.password) = (nil, nil)
            base = (parts.string ?? "").trimmingSuffix("/")
            authorization = "Basic " + Data("\(user):\(password)".utf8).base64EncodedString()
        }
    }

    /// - Parameters:
    ///   - client: lent for the life of this value.
    ///   - url: `http://USER:PASSWORD@HOST:PORT` of the management plugin, the user with the tag `administrator`.
    ///   - virtualHost: where the nodes' queues are.
    /// - Throws: ``Failure`` for a URL that is none. It quotes no password.
    package init(client: HTTPClient, url: String, virtualHost: String) throws {
        let address = try Address(url: url)
        self.client = client
        (base, authorization) = (address.base, address.authorization)
        self.virtualHost = virtualHost
    }

    /// The name of a node's user.
    package static func user(of node: NodeName) -> String { "gantry.node.\(node)" }

    /// Makes the node's user, or gives it another password, and lets it read its own queue and nothing else.
    package func putUser(of node: NodeName, password: String) async throws {
        let user = Self.user(of: node)
        try await call(.PUT, "users/\(user)", UserBody(password: password, tags: ""))
        let queue = TaskTopology.queue(of: node).replacing(".", with: "\\.")
        let permissions = PermissionsBody(configure: "", write: "", read: "^\(queue)$")
        try await call(.PUT, "permissions/\(Self.encoded(virtualHost))/\(user)", permissions)
    }

    /// Removes the node's user, whose connections end with it. None is fine.
    package func deleteUser(of node: NodeName) async throws {
        try await call(.DELETE, "users/\(Self.user(of: node))", String?.none, ignoring: .notFound)
    }

    /// Ends the connections of the node's user: they outlive a change of its password.
    package func closeConnections(of node: NodeName) async throws {
        try await call(.DELETE, "connections/username/\(Self.user(of: node))", String?.none, ignoring: .notFound)
    }

    /// A node's queue, as RabbitMQ sees it.
    package struct NodeQueue: Sendable, Hashable {
        package let node: String
        package let messages: Int
        package let consumers: Int
    }

    /// The queues of all nodes.
    package func nodeQueues() async throws -> [NodeQueue] {
        let path = "queues/\(Self.encoded(virtualHost))?columns=name,messages,consumers"
        let data = try await call(.GET, path, String?.none)
        return try JSONDecoder().decode([QueueBody].self, from: data)
            .compactMap { queue in
                guard let node = TaskTopology.node(ofQueue: queue.name) else { return nil }
                return NodeQueue(node: node, messages: queue.messages ?? 0, consumers: queue.consumers ?? 0)
            }
    }

    /// A queue that was made just now has no numbers yet.
    private struct QueueBody: Decodable {
        let name: String
        let messages: Int?
        let consumers: Int?
    }

    private struct UserBody: Encodable {
        let password: String
        let tags: String
    }

    private struct PermissionsBody: Encodable {
        let configure: String
        let write: String
        let read: String
    }

    @discardableResult
    private func call(
        _ method: HTTPMethod,
        _ path: String,
        _ body: (some Encodable)?,
        ignoring ignored: HTTPResponseStatus? = nil
    ) async throws -> Data {
        var request = HTTPClientRequest(url: "\(base)/api/\(path)")
        request.method = method
        request.headers.add(name: "authorization", value: authorization)
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
        }
        let (status, text) = try await execute(request)
        guard !(200..<300).contains(status.code), status != ignored else { return Data(text.readableBytesView) }
        throw Failure(
            description: "RabbitMQ answered \(status.code) to \(method.rawValue) \(path): \(String(buffer: text))"
        )
    }

    private func execute(_ request: HTTPClientRequest) async throws -> (HTTPResponseStatus, ByteBuffer) {
        do {
            let response = try await client.execute(request, timeout: .seconds(10))
            return (response.status, try await response.body.collect(upTo: Self.longestAnswer))
        } catch let error as CancellationError {
            throw error
        } catch {
            throw Failure(description: "RabbitMQ's management API cannot be reached: \(error)")
        }
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
    }
}
