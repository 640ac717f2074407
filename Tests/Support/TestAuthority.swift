// SPDX-License-Identifier: Apache-2.0

/// A certificate authority of a test's own, by openssl.
package struct TestAuthority: Sendable {
    private let directory: String

    /// A server's certificate and its key, each in a PEM file.
    package struct Certificate: Sendable {
        package let certificate: String
        package let key: String
    }

    /// The authority's own certificate, a PEM file.
    package var path: String { directory + "/authority.pem" }

    /// - Parameter directory: where its files go, beside which no other authority's are.
    /// - Throws: what openssl said.
    package init(in directory: String) async throws {
        self.directory = directory
        try await shell(
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=Test authority",
            "-days",
            "2",
            "-keyout",
            directory + "/authority.key",
            "-out",
            path
        )
    }

    /// Makes a certificate.
    ///
    /// - Parameters:
    ///   - name: of its files.
    ///   - names: the server's, as openssl writes them.
    ///   - days: for which it holds; a negative number makes one that has expired.
    /// - Returns: its files.
    /// - Throws: what openssl said.
    package func certificate(
        _ name: String = "server",
        names: String = "DNS:localhost,IP:127.0.0.1",
        days: Int = 1
    ) async throws -> Certificate {
        let base = "\(directory)/\(name)"
        try await shell(
            "openssl",
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=\(name)",
            "-addext",
            "subjectAltName=\(names)",
            "-keyout",
            base + ".key",
            "-out",
            base + ".csr"
        )
        try await shell(
            "openssl",
            "x509",
            "-req",
            "-in",
            base + ".csr",
            "-CA",
            path,
            "-CAkey",
            directory + "/authority.key",
            "-CAcreateserial",
            "-copy_extensions",
            "copy",
            "-days",
            "\(days)",
            "-out",
            base + ".pem"
        )
        return Certificate(certificate: base + ".pem", key: base + ".key")
    }
}
