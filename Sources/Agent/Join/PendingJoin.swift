// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import GantryModel
package import GantryProtocol

/// A join that is under way, with the secrets that the host made for it. It is on disk before the conductor hears of them,
/// so that the same ones are told again after a crash or a lost answer.
struct PendingJoin: Codable, Equatable {
    let conductorURL: String
    /// Of the token's secret, which has no business on the disk.
    let tokenDigest: Data
    let node: NodeName
    let hostname: String
    let credentials: NewNodeCredentials

    /// A new one.
    init(conductorURL: String, secret: String, node: NodeName, hostname: String) {
        self.conductorURL = conductorURL
        tokenDigest = Data(SHA256.hash(data: Data(secret.utf8)))
        (self.node, self.hostname) = (node, hostname)
        credentials = NewNodeCredentials()
    }

    /// Whether it is the same join, whatever its secrets.
    func isSame(as other: PendingJoin) -> Bool {
        (conductorURL, tokenDigest, node, hostname)
            == (other.conductorURL, other.tokenDigest, other.node, other.hostname)
    }
}

extension NewNodeCredentials {
    /// Secrets that nobody can guess: 256 random bits each, in letters that need no escaping anywhere.
    package init() {
        self.init(apiKey: "gantry-node-" + Self.secret(), brokerPassword: Self.secret())
    }

    private static func secret() -> String {
        SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }.base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
