// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryTestSupport
import Settings
import Testing
import Yams

@Suite("What is wrong with settings is told at once, with what would be right")
struct SettingsReaderTests {
    private static let conductor = """
        database: {url: "postgresql://gantry:SECRET@db.example/gantry"}
        amqp: {url: "amqps://u:SECRET@broker.example/"}
        rabbitmq: {management_url: "https://u:SECRET@broker.example:15671"}

        """

    /// The lines of what is wrong with a conductor's file of these lines and those that it needs.
    private func mistakes(
        _ lines: String,
        _ environment: [String: String] = [:],
        needed: String = conductor
    ) async throws -> [String] {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/conductor.yaml"
            try (needed + lines).write(toFile: path, atomically: true, encoding: .utf8)
            do {
                _ = try Program.conductor.read(SettingsReader(SettingsSources(file: path, environment: environment)))
                return []
            } catch let error as InvalidValue {
                #expect(!"\(error)".contains("SECRET"), "\(error)")
                return "\(error)".replacing(path, with: "FILE").split(separator: "\n").map(String.init)
            }
        }
    }

    @Test(
        "A key that is none is refused with the nearest",
        arguments: [
            ("databse: {url: a}", "databse.url is no key. Did you mean database.url? (FILE, line 4)"),
            ("rate_limit: {busrt: 5}", "rate_limit.busrt is no key. Did you mean rate_limit.burst? (FILE, line 4)"),
            ("log.levle: info", "log.levle is no key. Did you mean log.level? (FILE, line 4)"),
            ("something: {else: here, }", "something.else is no key. (FILE, line 4)"),
            ("log: info", "log: keys belong below it, such as log.level. (FILE, line 4)"),
        ]
    )
    func unknown(_ lines: String, _ mistake: String) async throws {
        #expect(try await mistakes(lines) == [mistake])
    }

    @Test("All mistakes are told, not one a start")
    func all() async throws {
        let lines = """
            callbacks: {allow_private: flase}
            log: {level: loud}
            listen: {port: 99999, adress: "0.0.0.0"}
            node: {report_interval: [1, 2]}
            """
        let expected = [
            "listen.port: “99999” is no whole number from 0 to 65535. (FILE, line 6)",
            "node.report_interval: it is a list, where one value belongs. (FILE, line 7)",
            "callbacks.allow_private: “flase” is neither true nor false. (FILE, line 4)",
            "log.level: “loud” is none of trace, debug, info, notice, warning, error, critical. (FILE, line 5)",
            "listen.adress is no key. Did you mean listen.address? (FILE, line 6)",
        ]
        #expect(try await mistakes(lines) == expected)
        let nothing = try await mistakes("", needed: "")
        #expect(nothing.count == 3 && nothing.allSatisfy { $0.hasSuffix("is missing; it has to be said.") })
    }

    @Test("What is no YAML is refused without a word of it, and what says nothing is fine")
    func yaml() async throws {
        let broken = try await mistakes("log: [SECRET")
        #expect(broken.count == 1 && broken[0].hasPrefix("FILE is no YAML: "), "\(broken)")
        #expect(try await mistakes("log: {level: info}\nlog.level: debug").first?.contains("said twice") == true)
        #expect(try await mistakes("log:\nconsole:\n  own_url:\n") == [])
        #expect(throws: InvalidValue.self) { try SettingsSources(file: "/nowhere.yaml", environment: [:]) }
    }

    @Test("A variable that is nearly a key is refused, and what others call theirs is none of it")
    func variables() async throws {
        #expect(
            try await mistakes("", ["GANTRY_DATABSE_CONNECTIONS": "8", "GANTRY_LOG_LEVLE": "debug"]) == [
                "The environment variable GANTRY_DATABSE_CONNECTIONS is no setting. Did you mean "
                    + "GANTRY_DATABASE_CONNECTIONS?",
                "The environment variable GANTRY_LOG_LEVLE is no setting. Did you mean GANTRY_LOG_LEVEL?",
            ]
        )
        let others = ["URL", "API_KEY", "CACHE", "IMAGES", "TEST_ALL", "VM_NAME", "UPLINK", "CONDUCTOR_URL"]
        #expect(try await mistakes("", Dictionary(uniqueKeysWithValues: others.map { ("GANTRY_\($0)", "x") })) == [])
        for program in Program.allCases {
            let both = Program.allCases.reduce(into: [:]) { $0.merge($1.needed) { $1 } }
            _ = try program.read(SettingsReader(SettingsSources(file: nil, environment: both)))
        }
    }

    @Test("The environment comes before credentials, and those before the file", arguments: Program.allCases)
    func precedence(_ program: Program) async throws {
        try await withTemporaryDirectory { folder in
            try "log: {level: error}\nstatus: {port: 1, address: f}"
                .write(
                    toFile: "\(folder)/file.yaml",
                    atomically: true,
                    encoding: .utf8
                )
            try FileManager.default.createDirectory(atPath: "\(folder)/c", withIntermediateDirectories: false)
            for (name, text) in [("log.level", "debug\n"), ("status.port", "2"), ("somebody.elses", "x")] {
                try text.write(toFile: "\(folder)/c/\(name)", atomically: true, encoding: .utf8)
            }
            let more = ["CREDENTIALS_DIRECTORY": "\(folder)/c", "GANTRY_LOG_LEVEL": "trace"]
            let sources = try SettingsSources(
                file: "\(folder)/file.yaml",
                environment: program.needed.merging(more) { $1 }
            )
            let settings = SettingsReader(sources)
            _ = try program.read(settings)
            let yaml = settings.effective.yaml
            #expect(yaml.contains("level: \"trace\"  # environment variable GANTRY_LOG_LEVEL"), "\(yaml)")
            #expect(yaml.contains("port: 2  # credential \(folder)/c/status.port"))
            #expect(yaml.contains("address: \"f\"  # \(folder)/file.yaml, line 2"))
        }
    }

    @Test("What it comes to is a configuration that means the same, but for secrets", arguments: Program.allCases)
    func effective(_ program: Program) async throws {
        try await withTemporaryDirectory { folder in
            let settings = SettingsReader(try SettingsSources(file: nil, environment: program.needed))
            let meaning = try program.read(settings)
            let yaml = settings.effective.yaml
            #expect(!yaml.contains("SECRET") && yaml.contains("<hidden>"))
            #expect(try Yams.load(yaml: yaml) is [String: Any])
            let path = "\(folder)/same.yaml"
            try yaml.write(toFile: path, atomically: true, encoding: .utf8)
            let again = SettingsReader(try SettingsSources(file: path, environment: program.needed))
            #expect(try program.read(again) == meaning)
            #expect(again.effective.changes(since: settings.effective) == [])
        }
    }

    @Test("Changes are those of meaning, and of what files hold")
    func changes() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let needed = Program.conductor.needed.merging(["GANTRY_TLS_AUTHORITIES": authority.path]) { $1 }
            func effective(_ more: [String: String]) throws -> EffectiveSettings {
                let sources = try SettingsSources(file: nil, environment: needed.merging(more) { $1 })
                let settings = SettingsReader(sources)
                _ = try Program.conductor.read(settings)
                return settings.effective
            }
            let before = try effective([:])
            let rate = ["GANTRY_RATE_LIMIT_BURST": "7", "GANTRY_LOG_LEVEL": "info"]
            #expect(try effective(rate).changes(since: before) == ["rate_limit.burst"])
            #expect(
                try before.taking(["rate_limit.burst"], from: effective(rate)).changes(since: effective(rate)) == []
            )
            let database = ["GANTRY_DATABASE_URL": "postgresql://gantry:OTHER@db.example/gantry"]
            #expect(try effective(database).changes(since: before) == ["database.url"])
            try FileManager.default.removeItem(atPath: authority.path)
            _ = try await TestAuthority(in: folder)
            #expect(try effective([:]).changes(since: before) == ["tls.authorities"])
        }
    }
}
