// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// A host that wants to become a node: `POST /v1/internal/join`, with the token as bearer.
///
/// The host makes its secrets itself, before it asks. So a join whose answer was lost is repeated as it was, and no answer
/// holds a secret.
public struct NodeJoinRequest: Hashable, Sendable, Codable {
    public var protocolVersion: Int
    /// What the node is to be called.
    public var node: NodeName
    /// The kernel's name of the host, to which the node is bound.
    public var hostname: String
    public var credentials: NewNodeCredentials

    public init(node: NodeName, hostname: String, credentials: NewNodeCredentials) {
        protocolVersion = ProtocolVersion.current
        (self.node, self.hostname, self.credentials) = (node, hostname, credentials)
    }

    private enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case node
        case hostname
        case credentials
    }
}

/// Secrets that a host made for its node.
public struct NewNodeCredentials: Hashable, Sendable, Codable {
    public var apiKey: String
    /// Of the node's user at the broker.
    public var brokerPassword: String

    public init(apiKey: String, brokerPassword: String) {
        (self.apiKey, self.brokerPassword) = (apiKey, brokerPassword)
    }

    private enum CodingKeys: String, CodingKey {
        case apiKey = "api_key"
        case brokerPassword = "broker_password"
    }
}

/// The secrets that a node's agent has or will have: `PUT /v1/internal/nodes/{node}/credentials`, with its present key.
///
/// As at a join the host makes them, and the same may be said any number of times. New ones are for a rotation that the
/// answer to a report asked for, and become the node's at the first use of the new key. The present ones are said again
/// when the broker has forgotten them.
public struct NodeCredentialsRequest: Hashable, Sendable, Codable {
    public var protocolVersion: Int
    /// The number of the rotation that they were made for; 0 for those of the join.
    public var rotation: Int64
    public var credentials: NewNodeCredentials

    public init(rotation: Int64, credentials: NewNodeCredentials) {
        protocolVersion = ProtocolVersion.current
        (self.rotation, self.credentials) = (rotation, credentials)
    }

    private enum CodingKeys: String, CodingKey {
        case protocolVersion = "protocol_version"
        case rotation
        case credentials
    }
}

/// The conductor's answer to a join.
public struct NodeJoinAnswer: Hashable, Sendable, Codable {
    public var nodeID: NodeID
    /// Where the broker is, without user and password.
    public var brokerURL: String
    /// The node's user there.
    public var brokerUser: String

    public init(nodeID: NodeID, brokerURL: String, brokerUser: String) {
        (self.nodeID, self.brokerURL, self.brokerUser) = (nodeID, brokerURL, brokerUser)
    }

    private enum CodingKeys: String, CodingKey {
        case nodeID = "node_id"
        case brokerURL = "broker_url"
        case brokerUser = "broker_user"
    }
}
