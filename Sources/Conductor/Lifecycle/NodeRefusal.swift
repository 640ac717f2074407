// SPDX-License-Identifier: Apache-2.0

import GantryProtocol

/// Why an agent, or an operator's word on a node, is turned away. Nothing was changed.
package struct NodeRefusal: Error, Sendable, CustomStringConvertible {
    package enum Reason: Sendable, Hashable {
        /// No such node, or not its key.
        case unauthorized
        /// An agent with a newer epoch has taken over; this one has to stop.
        case outdated
        /// An operator declared the node dead; its agent has to begin a new session.
        case declaredDead
        /// A newer session was begun from the host's own boot, as by a request of its own that came late.
        case overtaken
        /// The database was restored: the agent has to say in a new session what its host holds.
        case unsurveyed
        /// The host is not the one that the node's name stands for.
        case wrongIdentity
        /// It speaks another version of the protocol.
        case unsupportedVersion
        /// It names what does not exist, or not for it.
        case notFound
        /// An operator asked for what the node's state does not allow.
        case conflict
        /// A host's join token is good for nothing.
        case joinToken(JoinTokenFault)
    }

    /// What is wrong with a join token.
    package enum JoinTokenFault: String, Sendable, Hashable {
        case unknown
        case used
        case expired
        case revoked
        case wrongHost = "wrong_host"
    }

    package let reason: Reason
    /// What is wrong and what to do about it, for the operator.
    package let message: String

    package init(_ reason: Reason, _ message: String) {
        (self.reason, self.message) = (reason, message)
    }

    package var description: String { message }

    /// The agent has to begin a session in which it says what its host holds.
    static func unsurveyed(_ node: NodeIdentity) -> NodeRefusal {
        NodeRefusal(
            .unsurveyed,
            "The conductor's database was restored; node \(node.name) has to say in a new session what its host holds."
        )
    }

    /// - Throws: a refusal with `unsupportedVersion` unless the agent speaks our version.
    static func check(protocolVersion: Int) throws(NodeRefusal) {
        guard protocolVersion == ProtocolVersion.current else {
            throw NodeRefusal(
                .unsupportedVersion,
                "This conductor speaks protocol version \(ProtocolVersion.current), the agent \(protocolVersion); "
                    + "install the versions that belong together."
            )
        }
    }
}
