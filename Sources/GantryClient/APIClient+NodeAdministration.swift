// SPDX-License-Identifier: Apache-2.0

public import GantryModel
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

    /// A node's machines, with what keeps them there.
    public func machines(ofNode name: String) async throws(ClientError) -> [NodeMachineBody] {
        let answer: PageAnswer<NodeMachineBody> = try await call(.GET, "\(Self.nodes)/\(name)/virtual-machines")
        return answer.contents
    }

    /// Keeps new machines off a node, and has those that it has stopped, moved or waited for.
    public func drainNode(
        _ name: String,
        _ policy: DrainPolicy,
        reason: String
    ) async throws(ClientError) -> Answer<NodeBody> {
        try await call(.POST, "\(Self.nodes)/\(name)/drain", DrainRequest(policy: policy, reason: reason))
    }

    /// Gives up what a silent node has.
    ///
    /// - Parameters:
    ///   - name: the node's.
    ///   - confirm: the node's name once more, by which the operator says that its host is off.
    ///   - fencedBy: how that was made sure.
    /// - Returns: the node.
    /// - Throws: ``ClientError``, also while the node reports.
    public func declareNodeDead(
        _ name: String,
        confirm: String,
        fencedBy: String
    ) async throws(ClientError) -> Answer<NodeBody> {
        let request = DeclareDeadRequest(confirm: confirm, fencedBy: fencedBy)
        return try await call(.POST, "\(Self.nodes)/\(name)/declare-dead", request)
    }

    /// Lets the next host that comes with a node's key be the node, whatever its name.
    public func forgetHost(ofNode name: String) async throws(ClientError) -> Answer<NodeBody> {
        try await call(.POST, "\(Self.nodes)/\(name)/forget-host")
    }

    /// Lets new machines go to a node again, and ends its drain.
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
