// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import NIOSSL

/// Certificate authorities that are a cloud's own, in PEM.
enum Authorities {
    /// Reads them from a file, which has to have some.
    ///
    /// - Throws: `ValidationError` that says by `place` where the file is named.
    static func read(_ path: String, _ place: String) throws -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8), (try? certificates(text)) != nil else {
            throw ValidationError("\(place) is “\(path)”; name a PEM file with certificates.")
        }
        return text
    }

    static func certificates(_ text: String) throws -> [NIOSSLCertificate] {
        let found = try NIOSSLCertificate.fromPEMBytes(Array(text.utf8))
        guard !found.isEmpty else { throw ValidationError("There is no certificate among the cloud's authorities.") }
        return found
    }
}
