// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport

/// A cloud as operators install it: two emulated machines, on which packages are installed and nothing else of ours, one with
/// the conductor and the command line, the other a host. PostgreSQL and RabbitMQ are elsewhere, which is this machine:
/// emulated, RabbitMQ's start takes minutes. All speak TLS with the certificates of one authority.
struct InstalledCloud {
    let control: EmulatedHost
    let host: EmulatedHost
    /// The conductor's address, as the host and the control machine know it.
    let url: String

    /// What `make packages` made, in a folder; nil where it was not run.
    static let packages = ProcessInfo.processInfo.environment["GANTRY_PACKAGES"]
    private static let services = Repository.path("Packaging/dev/services")

    /// Runs a test in a cloud, and takes all of it away afterwards.
    static func with(_ body: (InstalledCloud) async throws -> Void) async throws {
        try await withTemporaryDirectory { folder in
            // PostgreSQL and RabbitMQ run as users of their own.
            try await shell("chmod", "755", folder)
            let port = try await TestConductor.freePort()
            let cloud = InstalledCloud(
                control: try EmulatedHost(folder: folder + "/control"),
                host: try EmulatedHost(folder: folder + "/host"),
                url: "https://\(InstalledContent.name):\(port)"
            )
            let services = folder + "/services"
            let watch = try ExitWatch(Self.services, "down", services)
            let result: Result<Void, any Error>
            do {
                let content = try InstalledContent(folder: folder)
                let authority = try await content.addCertificates()
                try await shell(Self.services, "up", services, "--no-fsync", "--tls", authority)
                try await content.fill(packages: packages ?? "", try TestServices(folder: services), port: port)
                async let control: Void = cloud.control.boot("host", content: content.control, ports: [port])
                async let host: Void = cloud.host.boot("host", content: content.host)
                _ = try await (control, host)
                for machine in [cloud.control, cloud.host] {
                    try await machine.run("echo '\(EmulatedHost.loopback) \(InstalledContent.name)' >>/etc/hosts")
                }
                result = .success(try await body(cloud))
            } catch {
                result = .failure(error)
                for (machine, unit) in [(cloud.control, "gantry-conductor"), (cloud.host, "gantry-agent")] {
                    print((try? await machine.run("journalctl -q -u \(unit) -o cat --no-pager | tail -n 40")) ?? "")
                }
            }
            try await cloud.control.down()
            try await cloud.host.down()
            try await shell(Self.services, "down", services)
            withExtendedLifetime(watch) {}
            try result.get()
        }
    }

    /// Says a command of `gantry` on the control machine.
    @discardableResult
    func gantry(_ command: String, as key: String) async throws -> String {
        let environment = "GANTRY_URL=\(url) GANTRY_API_KEY=\(key) GANTRY_TLS_AUTHORITIES=/test/authority.pem"
        return try await control.run("\(environment) gantry \(command)")
    }
}
