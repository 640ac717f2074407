// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Conductor
import Foundation
import GantryClient
import GantryProtocol
import GantryTestSupport
import Synchronization

/// A conductor as a process of its own, at an address that it keeps when it is started again.
final class TestConductor: Sendable {
    let port: Int
    /// Where its metrics are.
    let statusPort: Int
    private let environment: [String: String]
    private let log: String
    private let process = Mutex<ProgramProcess?>(nil)
    private static let program = Repository.path(".build/debug/gantry-conductor")

    /// Where the certificate of its authority is, when it has one.
    private let authority: String?

    var url: String { "\(authority == nil ? "http" : "https")://127.0.0.1:\(port)" }
    /// As a tenant.
    var api: APIClient { APIClient(http: .shared, url: url, key: TestData.apiKey) }

    /// The environment says where its database and broker are.
    init(environment: [String: String], log: String, authority: String? = nil) async throws {
        self.authority = authority
        port = try await Self.freePort()
        statusPort = try await Self.freePort()
        self.log = log
        let usual = [
            "GANTRY_LISTEN_PORT": "\(port)", "GANTRY_STATUS_PORT": "\(statusPort)",
            "GANTRY_RATE_LIMIT_REQUESTS_PER_MINUTE": "0", "GANTRY_NODE_REPORT_INTERVAL": "1",
            "GANTRY_NODE_DESIRED_INTERVAL": "2",
        ]
        self.environment = usual.merging(environment) { $1 }
    }

    /// As an operator, whom each call makes a key.
    func operatorAPI() async throws -> APIClient {
        APIClient(http: .shared, url: url, key: try await command("operator", "create", "test"))
    }

    /// A token with which one host becomes a node of the test data's region.
    func joinToken() async throws -> String {
        let body = CreateJoinTokenRequest(region: TestData.region)
        return try await operatorAPI().createJoinToken(body).content.token ?? ""
    }

    /// Starts it and waits until it answers.
    func start() async throws {
        let started = try ProgramProcess([Self.program, "run"], environment: environment, log: log)
        process.withLock { $0 = started }
        try await eventually("the conductor answers") {
            guard started.isRunning else { throw CommandFailure(description: "The conductor ended; see \(log).") }
            let trust = authority.map { ["--cacert", $0] } ?? []
            return try await run("curl", trust + ["-sf", url + "/healthz"]).status == 0
        }
    }

    /// Ends it without a word.
    func kill() async throws {
        try await process.withLock { $0 }?.kill()
    }

    /// Runs one of its program's other commands, and returns what it says.
    @discardableResult
    func command(_ arguments: String...) async throws -> String {
        let output = try await run(Self.program, arguments, environment: environment)
        guard output.status == 0 else {
            throw CommandFailure(description: "\(arguments[0]) failed: \(output.text)\(output.errorText)")
        }
        return output.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What it tells Prometheus.
    func metrics() async throws -> String { try await shell("curl", "-sf", "http://127.0.0.1:\(statusPort)/metrics") }

    static func freePort() async throws -> Int {
        let script = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"
        let port = try await shell("python3", "-c", script).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let port = Int(port) else { throw CommandFailure(description: "no free port: \(port)") }
        return port
    }
}
