// SPDX-License-Identifier: Apache-2.0

import NIOSSL

/// What went wrong on the way to the conductor, for people.
struct TransportTrouble: CustomStringConvertible {
    let description: String

    init(_ error: any Error) {
        if let error = error as? NIOSSLExtraError, error == .failedToValidateHostname {
            description = "its certificate is for another name than that of this address."
        } else if "\(error)".contains("CERTIFICATE_VERIFY_FAILED") {
            description =
                "its certificate has expired, or is not from an authority that this host trusts (tls.authorities)."
        } else if "\(error)".contains("WRONG_VERSION_NUMBER") {
            description = "it does not speak TLS at this address; see whether “https” is right."
        } else {
            description = "\(error)"
        }
    }
}
