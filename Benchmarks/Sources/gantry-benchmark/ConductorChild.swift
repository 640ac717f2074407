// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A conductor of the same build as this program, on a free port of loopback.
struct ConductorChild: Sendable {
    let child: Child
    let port: UInt16
    let statusPort: UInt16
    let url: String
    /// From the start of its process until it answered that it is well.
    let startup: Duration

    /// The program, beside our own.
    static var path: String { Bundle.main.bundlePath + "/gantry-conductor" }

    /// Starts one on the services that the environment names, and waits until it is ready.
    ///
    /// It takes the place of another where that is given, at its addresses.
    ///
    /// - Parameters:
    ///   - client: asks whether it is.
    ///   - directory: where its log goes.
    ///   - former: one that has ended.
    ///   - settings: its environment, beside our own.
    /// - Returns: the running conductor.
    /// - Throws: ``Trouble`` when it does not become ready.
    static func start(
        _ client: HTTPClient,
        directory: String,
        insteadOf former: ConductorChild? = nil,
        settings: [String: String] = [:]
    ) async throws -> ConductorChild {
        let port = try former?.port ?? freePort()
        let statusPort = try former?.statusPort ?? freePort()
        let url = "http://127.0.0.1:\(port)"
        var environment = [
            "GANTRY_LISTEN_PORT": "\(port)", "GANTRY_STATUS_PORT": "\(statusPort)",
            "GANTRY_RATE_LIMIT_REQUESTS_PER_MINUTE": "0",
        ]
        environment.merge(settings) { $1 }
        let child = try Child([path, "run"], environment: environment, log: "\(directory)/conductor.log")
        try await child.wait(for: "the conductor's health") {
            let answer = try? await client.get(url: "\(url)/healthz").get()
            return answer?.status == .ok
        }
        return ConductorChild(
            child: child,
            port: port,
            statusPort: statusPort,
            url: url,
            startup: ContinuousClock.now - child.started
        )
    }

    /// The test data, with an image that no simulated node fetches unless another is given.
    static func seed(
        imageURL: String = "https://images.example/none.qcow2",
        sha256: String = String(repeating: "0", count: 64),
        floatingIPPool: String
    ) async throws {
        try await Child.run([
            path, "seed-test-data", "--image-url", imageURL, "--image-sha256", sha256,
            "--public-key",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpjWWcDfbQ2VrBbOgzHPYkhBBUsWzcfvIpHV8KOqvH7 benchmark",
            "--floating-ip-pool", floatingIPPool,
        ])
    }

    /// A token with which one host becomes a node, as an operator gets it.
    func joinToken() async throws -> String {
        struct Answer: Decodable {
            struct Token: Decodable { let token: String }
            let token: Token
            private enum CodingKeys: String, CodingKey { case token = "join_token" }
        }
        let key = try await Child.run([Self.path, "operator", "create", "benchmark"])
        var request = HTTPClientRequest(url: url + "/v1/admin/join-tokens")
        request.method = .POST
        request.headers.add(name: "api_key", value: key.trimmingCharacters(in: .whitespacesAndNewlines))
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: #"{"region":"TestRegion"}"#))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 16)
        return try JSONDecoder().decode(Answer.self, from: Data(body.readableBytesView)).token.token
    }

    private static func freePort() throws -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard bound else { throw Trouble("no free port on loopback") }
        return UInt16(bigEndian: address.sin_port)
    }
}
