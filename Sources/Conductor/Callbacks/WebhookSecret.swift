// SPDX-License-Identifier: Apache-2.0

import Crypto
package import Foundation
package import GantryModel

/// A symmetric secret of Standard Webhooks: `whsec_` and the base64 of 24 to 64 bytes.
package struct WebhookSecret: Sendable, Hashable {
    /// As it is shown to its owner.
    package let text: String
    private let key: [UInt8]

    private static let prefix = "whsec_"

    /// - Throws: `InvalidValue` for another form; the error does not quote it.
    package init(_ text: String) throws(InvalidValue) {
        guard text.hasPrefix(Self.prefix), let bytes = Data(base64Encoded: String(text.dropFirst(Self.prefix.count))),
            (24...64).contains(bytes.count)
        else { throw InvalidValue("this is no webhook secret; it is whsec_ and the base64 of 24 to 64 bytes.") }
        self.text = text
        key = Array(bytes)
    }

    private init(key: [UInt8]) {
        self.key = key
        text = Self.prefix + Data(key).base64EncodedString()
    }

    /// A new one of 256 random bits.
    package static func make() -> WebhookSecret {
        var generator = SystemRandomNumberGenerator()
        return WebhookSecret(key: (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    /// A signature as it stands in the `webhook-signature` header.
    ///
    /// - Parameters:
    ///   - id: the message's, from `webhook-id`.
    ///   - timestamp: of the attempt, in seconds since 1970, from `webhook-timestamp`.
    ///   - body: byte for byte what is sent.
    /// - Returns: such as `v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=`.
    package func signature(id: String, timestamp: Int, body: Data) -> String {
        var code = HMAC<SHA256>(key: SymmetricKey(data: key))
        code.update(data: Data("\(id).\(timestamp).".utf8))
        code.update(data: body)
        return "v1," + Data(code.finalize()).base64EncodedString()
    }
}
