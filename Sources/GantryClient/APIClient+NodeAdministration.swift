// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let nodes = "v1/admin/nodes"

    /// The nodes of all regions, or those whose names have something in them.
    public func nodes(search: String? = nil) async throws(ClientError) -> [NodeBody] {
        let answer: PageAnswer<NodeBody> = try await call(.GET, Self.nodes, query: ["search": search])
        return answer.contents
    }

    public func node(_ name: String) async throws(ClientError) -> NodeBody {
        let answer: Answer<NodeBody> = try await call(.GET, "\(Self.nodes)/\(name)")
        return answer.content
    }

    /// Keeps new machines off a node.
    public func cordonNode(_ name: String, reason: String) async throws(ClientError) -> Answer<NodeBody> {
        try await call(.POST, "\(Self.nodes)/\(name)/cordon", CordonRequest(reason: reason))
    }

    /// Lets new machines go to a node again.
    public func uncordonNode(_ name: String) async throws(ClientError) -> Answer<NodeBody> {
        try await call(.POST, "\(Self.nodes)/\(name)/uncordon")
    }

    /// Has a node's agent make new secrets; those that it has hold until it uses the new ones.
    public func rotateNodeCredentials(_ name: String) async throws(ClientError) -> Answer<NodeBody> {
        try await call(.POST, "\(Self.nodes)/\(name)/rotate-credentials")
    }

    /// Ends a node's secrets at once.
    public func revokeNodeCredentials(_ name: String) async throws(ClientError) -> Answer<NodeBody> {
        try await call(.POST, "\(Self.nodes)/\(name)/revoke-credentials")
    }

    /// Removes a node that has no machines.
    @discardableResult
    public func removeNode(_ name: String) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.nodes)/\(name)")
    }
}
