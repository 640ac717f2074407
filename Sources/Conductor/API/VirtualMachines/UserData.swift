// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a tenant hands to cloud-init, as bytes.
enum UserData {
    /// The most that is taken, in bytes after decoding.
    static let maximumSize = 65536

    /// Text is taken as it is. Base64 is decoded when what comes out begins as cloud-init's formats do, since only so
    /// can gzip travel in JSON; none of these formats is itself base64.
    ///
    /// - Throws: ``APIError`` for what is too large.
    static func bytes(of text: String) throws(APIError) -> Data? {
        guard !text.isEmpty else { return nil }
        let decoded = Data(base64Encoded: text, options: .ignoreUnknownCharacters)
        let isEncoded = decoded.map(begins) ?? false && text.utf8.allSatisfy(isBase64)
        let bytes = isEncoded ? decoded ?? Data() : Data(text.utf8)
        guard bytes.count <= maximumSize else {
            throw .invalid(
                "user_data",
                "it has \(bytes.count) bytes; it may have \(maximumSize). Compress it with gzip."
            )
        }
        return bytes
    }

    /// Whether bytes begin as one of cloud-init's formats (cloud-init documentation, “User data formats”).
    private static func begins(_ bytes: Data) -> Bool {
        let gzip = Data([0x1F, 0x8B])
        let headers = ["#", "Content-Type:", "MIME-Version:", "Mime-Version:", "From "].map { Data($0.utf8) } + [gzip]
        return headers.contains { bytes.starts(with: $0) }
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="),
            UInt8(ascii: "\n"), UInt8(ascii: "\r"):
            true
        default: false
        }
    }
}
