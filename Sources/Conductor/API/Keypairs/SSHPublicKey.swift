// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import GantryModel

/// One line of OpenSSH's public key format: a type, the key in base64, and perhaps a comment.
package struct SSHPublicKey: Sendable, Hashable {
    /// The line as it was given, its end included if it had one.
    package let text: String
    /// MD5 of the key, as sixteen hexadecimal pairs with colons.
    package let fingerprint: String

    /// The types that are taken.
    package static let types = [
        "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    ]

    /// An RSA key of the 16,384 bits that OpenSSH takes at most, with a long comment.
    private static let maximumSize = 8192

    /// - Throws: `InvalidValue` that says what it is instead.
    package init(_ text: String) throws(InvalidValue) {
        let line = String(text.trimmingSuffix { ["\n", "\r", "\r\n"].contains($0) })
        try Self.refuseOtherForms(line)
        guard text.utf8.count <= Self.maximumSize else {
            throw InvalidValue("it has \(text.utf8.count) bytes; a public key may have \(Self.maximumSize).")
        }
        guard line.unicodeScalars.allSatisfy(TextField.isPrintable) else {
            throw InvalidValue(
                "it holds a control character or several lines; send one line, as in a file whose name ends in .pub."
            )
        }
        let parts = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: true).map(String.init)
        let type = parts.first ?? ""
        try Self.check(type, line)
        guard parts.count > 1, let blob = Data(base64Encoded: parts[1]) else {
            throw InvalidValue("what follows “\(type)” is not base64; part of the key may be missing.")
        }
        try SSHKeyBlob.check(blob, type)
        self.text = text
        fingerprint = Insecure.MD5.hash(data: blob)
            .map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }

    /// What people paste by mistake.
    private static func refuseOtherForms(_ line: String) throws(InvalidValue) {
        if line.contains("PRIVATE KEY") || line.hasPrefix("PuTTY-User-Key-File") {
            throw InvalidValue(
                "this is a private key, which nobody else may see: consider it lost and make a new pair, then send the "
                    + "one line of the file whose name ends in .pub."
            )
        }
        if line.hasPrefix("-----BEGIN") || line.hasPrefix("---- BEGIN") {
            throw InvalidValue(
                "it is not in OpenSSH's format; convert it with “ssh-keygen -i -m PKCS8 -f FILE” (or -m RFC4716)."
            )
        }
    }

    private static func check(_ type: String, _ line: String) throws(InvalidValue) {
        guard !types.contains(type) else {
            if line.first == " " { throw InvalidValue("it begins with a space; leave it out.") }
            return
        }
        if line.isEmpty { throw InvalidValue("it is empty; send the line of a file whose name ends in .pub.") }
        let list = types.joined(separator: ", ")
        if types.contains(where: { line.contains(" \($0) ") }) {
            throw InvalidValue("something stands before the type; options of authorized_keys are not taken here.")
        }
        throw InvalidValue("“\(type.prefix(100))” is not a type of key that is taken; these are: \(list).")
    }
}

extension String {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return rest
    }
}
