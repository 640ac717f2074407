// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import GantryModel

/// Checks the binary part of SSH public keys (RFC 4253 section 6.6, RFC 5656 section 3.1, RFC 8709 section 4).
enum SSHKeyBlob {
    private static let minimumRSABits = 2048
    /// OpenSSH reads no longer numbers.
    private static let maximumRSABits = 16384

    /// - Throws: `InvalidValue` unless it is whole and of that type.
    static func check(_ blob: Data, _ type: String) throws(InvalidValue) {
        var reader = SSHReader(blob)
        let inner = String(decoding: try reader.string(), as: UTF8.self)
        guard inner == type else {
            throw InvalidValue("it calls itself “\(type)”, but its base64 holds a key of type “\(inner.prefix(100))”.")
        }
        switch type {
        case "ssh-rsa": try checkRSA(&reader)
        case "ssh-ed25519": try checkEd25519(&reader)
        default: try checkECDSA(&reader, curve: String(type.dropFirst("ecdsa-sha2-".count)))
        }
        guard reader.isAtEnd else { throw InvalidValue("its base64 goes on after the end of the key.") }
    }

    private static func checkRSA(_ reader: inout SSHReader) throws(InvalidValue) {
        let exponent = try reader.positiveInteger()
        let modulus = try reader.positiveInteger()
        guard let last = exponent.last, last & 1 == 1, exponent != [1] else {
            throw InvalidValue("its RSA exponent is none: it has to be odd and above 1.")
        }
        let bits = modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0)
        guard (minimumRSABits...maximumRSABits).contains(bits) else {
            throw InvalidValue("it is an RSA key of \(bits) bits; it needs \(minimumRSABits) to \(maximumRSABits).")
        }
    }

    private static func checkEd25519(_ reader: inout SSHReader) throws(InvalidValue) {
        let key = try reader.string()
        guard key.count == 32 else { throw InvalidValue("its Ed25519 key has \(key.count) bytes rather than 32.") }
    }

    private static func checkECDSA(_ reader: inout SSHReader, curve: String) throws(InvalidValue) {
        let inner = String(decoding: try reader.string(), as: UTF8.self)
        guard inner == curve else {
            throw InvalidValue("its type names the curve \(curve), its base64 “\(inner.prefix(100))”.")
        }
        let point = Data(try reader.string())
        guard isPoint(point, on: curve) else { throw InvalidValue("its base64 holds no point on the curve \(curve).") }
    }

    /// Whether it is a point in uncompressed form, the only one that SSH has in use.
    private static func isPoint(_ point: Data, on curve: String) -> Bool {
        switch curve {
        case "nistp256": (try? P256.Signing.PublicKey(x963Representation: point)) != nil
        case "nistp384": (try? P384.Signing.PublicKey(x963Representation: point)) != nil
        default: (try? P521.Signing.PublicKey(x963Representation: point)) != nil
        }
    }
}

/// Reads the data types of RFC 4251 section 5.
private struct SSHReader {
    private var rest: Data.SubSequence

    init(_ data: Data) {
        rest = data[...]
    }

    var isAtEnd: Bool { rest.isEmpty }

    /// A `string`: its length in four bytes, then its bytes.
    mutating func string() throws(InvalidValue) -> [UInt8] {
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard rest.count >= 4, rest.count - 4 >= length else {
            throw InvalidValue("its base64 is cut short; part of the key is missing.")
        }
        let bytes = [UInt8](rest.dropFirst(4).prefix(length))
        rest = rest.dropFirst(4 + length)
        return bytes
    }

    /// An `mpint` above zero, without its leading zero byte.
    mutating func positiveInteger() throws(InvalidValue) -> [UInt8] {
        let bytes = try string()
        let isPadded = bytes.first == 0 && bytes.count > 1 && bytes[1] >= 0x80
        guard let first = bytes.first, first < 0x80, first != 0 || isPadded else {
            throw InvalidValue("its base64 holds a number that is not positive or not in its shortest form.")
        }
        return isPadded ? [UInt8](bytes.dropFirst()) : bytes
    }
}
