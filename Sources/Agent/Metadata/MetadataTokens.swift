// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Foundation
package import GantryModel

/// The session tokens of the metadata service (EC2's IMDSv2): good for one guest and for as long as it asked.
///
/// They are signed rather than stored. The key lives as long as the agent; a guest whose token ends early asks for
/// another.
package struct MetadataTokens: Sendable {
    private let key = SymmetricKey(size: .bits256)

    package init() {}

    /// - Parameters:
    ///   - uuid: The guest that asked; the token is good for it alone.
    ///   - now: When it asked.
    ///   - seconds: The token's life, 1 to 21600.
    /// - Returns: the token; nil for a life out of bounds.
    package func issue(to uuid: MachineUUID, at now: Date, for seconds: Int) -> String? {
        guard (1...21_600).contains(seconds) else { return nil }
        let expiry = Int(now.timeIntervalSince1970) + seconds
        return "\(expiry).\(signature(uuid, expiry).base64EncodedString())"
    }

    package func accepts(_ token: String, of uuid: MachineUUID, at now: Date) -> Bool {
        let parts = token.split(separator: ".", maxSplits: 1)
        guard parts.count == 2, let expiry = Int(parts[0]), Double(expiry) > now.timeIntervalSince1970,
            let signature = Data(base64Encoded: String(parts[1]))
        else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: message(uuid, expiry), using: key)
    }

    private func signature(_ uuid: MachineUUID, _ expiry: Int) -> Data {
        Data(HMAC<SHA256>.authenticationCode(for: message(uuid, expiry), using: key))
    }

    private func message(_ uuid: MachineUUID, _ expiry: Int) -> Data { Data("\(uuid) \(expiry)".utf8) }
}
