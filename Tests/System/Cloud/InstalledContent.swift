// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// What the two machines of an installed cloud find in `/test`.
struct InstalledContent {
    let control: String
    let host: String
    /// What the emulated machines call this one, since RabbitMQ's library knows no certificates of addresses.
    static let name = "cloud.example"
    private let folder: String

    /// - Parameter folder: where both folders are made.
    /// - Throws: when it cannot be written to.
    init(folder: String) throws {
        self.folder = folder
        (control, host) = (folder + "/control-content", folder + "/host-content")
        for path in [control, host] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }
    }

    /// Makes an authority and the certificate that all servers of the cloud share.
    ///
    /// - Returns: their folder.
    /// - Throws: what openssl said.
    func addCertificates() async throws -> String {
        let authority = try await TestAuthority(in: control)
        _ = try await authority.certificate(names: "DNS:localhost,DNS:\(Self.name)")
        return control
    }

    /// Adds the packages, each also with a higher version, the conductor's configuration, and a guest's image.
    func fill(packages: String, _ services: TestServices, port: Int) async throws {
        for (name, path) in [("gantry-conductor", control), ("gantry", control), ("gantry-agent", host)] {
            try await shell("sh", "-c", "dpkg-deb -R \"$0/$1\"_[0-9]*.deb \"$2\"", packages, name, folder + "/package")
            try await pack("\(path)/\(name).deb")
            try await shell("sed", "-i", "s/^Version: .*/&+next/", folder + "/package/DEBIAN/control")
            try await pack("\(path)/\(name)-next.deb")
            try FileManager.default.removeItem(atPath: folder + "/package")
        }
        try await shell("cp", try await TestImage.micro().path, host)
        try configuration(services, port).write(toFile: control + "/conductor.yaml", atomically: true, encoding: .utf8)
        try databaseURL(services).write(toFile: control + "/database.url", atomically: true, encoding: .utf8)
    }

    /// Uncompressed, since emulated machines take minutes to unpack one.
    private func pack(_ path: String) async throws {
        try await shell("dpkg-deb", "-Znone", "--root-owner-group", "-b", folder + "/package", path)
    }

    /// A credential of the conductor's unit.
    private func databaseURL(_ services: TestServices) -> String {
        let tls = "?sslmode=verify-full&sslrootcert=/etc/gantry/authority.pem\n"
        return services.databaseURL.replacing(/\?.*/, with: tls).replacing("@localhost:", with: "@\(Self.name):")
    }

    private func configuration(_ services: TestServices, _ port: Int) -> String {
        """
        listen: {address: 0.0.0.0, port: \(port), certificate: /etc/gantry/server.pem, key: /etc/gantry/server.key}
        tls: {authorities: /etc/gantry/authority.pem}
        amqp: {url: '\(services.amqpURL)'}
        rabbitmq: {management_url: '\(services.managementURL)'}

        """
        .replacing("@localhost:", with: "@\(Self.name):")
        .replacing("@127.0.0.1:", with: "@\(Self.name):")
    }
}
