// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Testing

@Suite("The programs' settings, checked and read again", .serialized)
struct ProgramSettingsTests {
    @Test(
        "--check prints what a configuration comes to, or all that is wrong with it",
        arguments: ["agent", "conductor"]
    )
    func check(_ name: String) async throws {
        let needed = [
            "GANTRY_DATABASE_URL": "postgresql://gantry:SECRET@127.0.0.1:1/gantry",
            "GANTRY_AMQP_URL": "amqp://u:SECRET@127.0.0.1:1/", "GANTRY_CONDUCTOR_URL": "http://127.0.0.1:1",
            "GANTRY_RABBITMQ_MANAGEMENT_URL": "http://u:SECRET@127.0.0.1:1", "GANTRY_NODE_NAME": "n1",
            "GANTRY_NODE_API_KEY": "SECRET",
        ]
        let program = Repository.path(".build/debug/gantry-\(name)")
        let right = try await run(program, ["--check"], environment: needed)
        #expect(right.status == 0 && right.text.contains("log:\n  level: \"info\"  # default"), "\(right)")
        #expect(!right.text.contains("SECRET"))
        let more = ["GANTRY_LOG_LEVEL": "loud", "GANTRY_STATUS_PRT": "1"]
        let wrong = try await run(program, ["--check"], environment: needed.merging(more) { $1 })
        #expect(wrong.status == 1 && wrong.text.isEmpty, "\(wrong)")
        for word in ["log.level: “loud”", "Did you mean GANTRY_STATUS_PORT?"] {
            #expect(wrong.errorText.contains(word))
        }
    }

    @Test("At SIGHUP a conductor takes what it can, and the connections that it has go on", .timeLimit(.minutes(5)))
    func reload() async throws {
        try await withTemporaryDirectory { folder in
            try await withTemporaryDatabaseURL { url in
                try await withTemporaryVirtualHost { broker in
                    let conductor = try await ReloadedConductor(url, broker.url, in: folder)
                    let result: Result<Void, any Error>
                    do {
                        result = .success(try await reload(conductor))
                    } catch {
                        result = .failure(error)
                    }
                    let status = try await conductor.process.stop()
                    try result.get()
                    #expect(status == 0)
                }
            }
        }
    }

    private func reload(_ conductor: ReloadedConductor) async throws {
        let first = try await conductor.shownSerial()
        let connection = try await conductor.holdConnection()
        // The same files with another certificate and its key.
        let files = try await conductor.authority.certificate()
        try conductor.write("log: {level: debug}, rate_limit: {burst: 7}, node: {report_interval: 20}")
        conductor.process.reload()
        try await eventually("it says what it took") {
            try conductor.log()
                .contains(
                    #""needs_restart":["node.report_interval"],"taken":["listen.certificate","listen.key","rate_limit.burst","#
                        + #""log.level"]"#
                )
        }
        let second = try await conductor.shownSerial()
        #expect(second != first)
        #expect(try await shell("openssl", "x509", "-noout", "-serial", "-in", files.certificate) == second)
        try await connection.useAgain()

        try conductor.write("log: {levle: debug}")
        conductor.process.reload()
        try await eventually("it says what is wrong") { try conductor.log().contains("Did you mean log.level?") }
        #expect(try await conductor.shownSerial() == second)
    }
}

/// A conductor that speaks TLS and has its settings in a file.
private struct ReloadedConductor {
    let process: ProgramProcess
    let authority: TestAuthority
    private let folder: String
    private let needed: String
    private let port: Int

    init(_ databaseURL: String, _ brokerURL: String, in folder: String) async throws {
        self.folder = folder
        authority = try await TestAuthority(in: folder)
        let files = try await authority.certificate()
        port = try await TestConductor.freePort()
        let management = try await TestServices.shared.managementURL
        needed = """
            {database: {url: "\(databaseURL)"}, amqp: {url: "\(brokerURL)"}, rabbitmq: {management_url: "\(management)"},
             listen: {port: \(port), certificate: "\(files.certificate)", key: "\(files.key)"}, status: {port: 0},

            """
        try (needed + "log: {level: info}}")
            .write(toFile: folder + "/conductor.yaml", atomically: true, encoding: .utf8)
        process = try ProgramProcess(
            [Repository.path(".build/debug/gantry-conductor"), "--config", folder + "/conductor.yaml"],
            environment: [:],
            log: folder + "/conductor.log"
        )
        let (process, url) = (process, "https://127.0.0.1:\(port)/healthz")
        let pem = authority.path
        try await eventually("the conductor answers") {
            guard process.isRunning else { throw CommandFailure(description: "The conductor ended; see \(folder).") }
            return try await run("curl", ["-sf", "--cacert", pem, url]).status == 0
        }
    }

    func write(_ settings: String) throws {
        try (needed + settings + "}").write(toFile: folder + "/conductor.yaml", atomically: true, encoding: .utf8)
    }

    func log() throws -> String { try String(contentsOfFile: folder + "/conductor.log", encoding: .utf8) }

    /// Of the certificate that a new connection is shown.
    func shownSerial() async throws -> String {
        let script = "openssl s_client -connect 127.0.0.1:$1 </dev/null 2>/dev/null | openssl x509 -noout -serial"
        return try await shell("bash", "-c", script, "serial", "\(port)")
    }

    func holdConnection() async throws -> HeldConnection {
        try await HeldConnection(port: port, authority: authority.path, folder: folder)
    }
}

/// A connection over which one request went, and another one goes later.
private struct HeldConnection {
    private let process: ProgramProcess
    private let log: String
    private let signal: String

    private static let script = """
        import http.client, os, ssl, sys, time
        context = ssl.create_default_context(cafile=sys.argv[2])
        connection = http.client.HTTPSConnection('127.0.0.1', int(sys.argv[1]), context=context)
        def ask():
            connection.request('GET', '/healthz')
            answer = connection.getresponse()
            answer.read()
            print(answer.status, flush=True)
        ask()
        connection.auto_open = 0
        while not os.path.exists(sys.argv[3]):
            time.sleep(0.05)
        ask()
        """

    init(port: Int, authority: String, folder: String) async throws {
        (log, signal) = (folder + "/connection.log", folder + "/again")
        process = try ProgramProcess(
            ["/usr/bin/python3", "-c", Self.script, "\(port)", authority, signal],
            environment: [:],
            log: log
        )
        let log = log
        try await eventually("it has an answer") { try String(contentsOfFile: log, encoding: .utf8) == "200\n" }
    }

    func useAgain() async throws {
        try "".write(toFile: signal, atomically: true, encoding: .utf8)
        #expect(try await process.end() == 0)
        #expect(try String(contentsOfFile: log, encoding: .utf8) == "200\n200\n")
    }
}
