// SPDX-License-Identifier: Apache-2.0

import Crypto
public import Foundation
public import GantryModel
public import NIOSSL

/// Those whose word on who is who is taken, instead of the system's: a cloud's own certificate authority, as a rule.
public struct CertificateAuthorities: Sendable {
    /// Certificates in PEM, byte for byte as the operator gave them.
    public let pem: Data
    /// Of the bytes, by which a host that has nothing else knows them.
    public let digest: GantryModel.SHA256Digest
    private let certificates: [NIOSSLCertificate]

    /// - Throws: `InvalidValue` for what holds no certificates.
    public init(pem: Data) throws(InvalidValue) {
        let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(pem))
        guard let certificates, !certificates.isEmpty else { throw InvalidValue("It holds no certificates in PEM.") }
        (self.pem, self.certificates) = (pem, certificates)
        digest = try .init(SHA256.hash(data: pem).map { String(format: "%02x", $0) }.joined())
    }

    /// For a client that trusts them alone, and looks at the server's name too.
    public var clientConfiguration: TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(certificates)
        return configuration
    }
}

extension SettingsReader {
    /// The file that `tls.authorities` names; nil where it names none.
    public func authorities() -> (path: String, content: CertificateAuthorities)? {
        file("tls.authorities") { try CertificateAuthorities(pem: $0) }
    }
}
