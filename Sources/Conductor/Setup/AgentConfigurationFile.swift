// SPDX-License-Identifier: Apache-2.0

import Yams

/// The configuration with which a node's agent starts.
package struct AgentConfigurationFile: Sendable {
    private struct Contents: Encodable {
        struct Conductor: Encodable { let url: String }
        struct Node: Encodable {
            let name: String
            let api_key: String
        }
        struct AMQP: Encodable { let url: String }

        let conductor: Conductor
        let node: Node
        let amqp: AMQP
    }

    private let contents: Contents

    package init(_ credentials: NodeCredentials, conductorURL: String) {
        contents = Contents(
            conductor: .init(url: conductorURL),
            node: .init(name: "\(credentials.node)", api_key: credentials.apiKey),
            amqp: .init(url: credentials.amqpURL)
        )
    }

    /// YAML.
    package var text: String {
        get throws { try YAMLEncoder().encode(contents) }
    }
}
