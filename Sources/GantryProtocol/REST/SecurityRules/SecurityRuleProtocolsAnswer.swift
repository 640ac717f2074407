// SPDX-License-Identifier: Apache-2.0

/// The protocols that a packet filter rule may name.
public struct SecurityRuleProtocolsAnswer: Codable, Sendable, Hashable {
    public var status = true
    public var message = "Getting security rule protocols successful"
    public var protocols: [String]

    public init(protocols: [String]) {
        self.protocols = protocols
    }
}
