// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import NIOSSL
package import Settings

/// The API's certificate and key.
package struct ListenTLS: Sendable {
    let certificates: [NIOSSLCertificateSource]
    let key: NIOSSLPrivateKeySource

    /// What the keys `listen.certificate` and `listen.key` say; nil where neither is named, or one is wrong.
    package init?(_ settings: SettingsReader) {
        let certificates = settings.file("listen.certificate") { data in
            let found = try? NIOSSLCertificate.fromPEMBytes(Array(data))
            guard let found, !found.isEmpty else { throw InvalidValue("it holds no certificates in PEM.") }
            return found.map { NIOSSLCertificateSource.certificate($0) }
        }
        let key = settings.file("listen.key") { data in
            guard let key = try? NIOSSLPrivateKey(bytes: Array(data), format: .pem) else {
                throw InvalidValue("it holds no key in PEM.")
            }
            return NIOSSLPrivateKeySource.privateKey(key)
        }
        if settings.says("listen.certificate") != settings.says("listen.key") {
            settings.refuse("listen.certificate", "it belongs together with listen.key; name both files.")
        }
        guard let certificates, let key else { return nil }
        (self.certificates, self.key) = (certificates.content, key.content)
        // The two are held against each other here.
        guard (try? NIOSSLContext(configuration: configuration)) != nil else {
            settings.refuse("listen.key", "it does not belong to listen.certificate.")
            return nil
        }
    }

    /// Of a server that shows the certificate.
    var configuration: TLSConfiguration { .makeServerConfiguration(certificateChain: certificates, privateKey: key) }
}
