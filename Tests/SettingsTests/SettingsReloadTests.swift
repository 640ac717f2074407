// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import Logging
import Synchronization
import Testing

@testable import Settings

@Suite("Settings that are read again hold or are told to need a restart")
struct SettingsReloadTests {
    private let log = LogLines()
    private let environment = Environment()

    private func reading() throws -> SettingsReload<ConductorConfiguration>.Reading {
        let variables = Program.conductor.needed.merging(environment.more) { $1 }
        let settings = SettingsReader(try SettingsSources(file: nil, environment: variables))
        return (try ConductorConfiguration(settings), settings.effective)
    }

    @Test("What is taken is told once, what needs a restart each time, and a mistake changes nothing")
    func reload() throws {
        let reload = SettingsReload(
            running: try reading().effective,
            read: { try reading() },
            take: { _ in ["log.level", "rate_limit.burst"] },
            logger: log.logger
        )
        var running = try reading().effective
        environment.more = ["GANTRY_LOG_LEVEL": "debug", "GANTRY_LISTEN_PORT": "99"]
        running = reload.reload(running)
        #expect(log.newest == "notice taken=[log.level] needs_restart=[listen.port]")
        running = reload.reload(running)
        #expect(log.newest == "notice taken=[] needs_restart=[listen.port]")
        environment.more["GANTRY_LOG_LEVEL"] = "loud"
        running = reload.reload(running)
        #expect(log.newest.hasPrefix("error log.level: “loud” is none of trace"), "\(log.newest)")
        environment.more = ["GANTRY_LOG_LEVEL": "debug"]
        _ = reload.reload(running)
        #expect(log.newest == "notice taken=[] needs_restart=[]")
    }
}

/// What stands in the environment beside what is needed.
private final class Environment: Sendable {
    private let variables = Mutex<[String: String]>([:])

    var more: [String: String] {
        get { variables.withLock { $0 } }
        set { variables.withLock { $0 = newValue } }
    }
}

/// The newest thing that was logged.
private final class LogLines: Sendable {
    private let line = Mutex("")
    var newest: String { line.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let told = event.metadata ?? [:]
            let text =
                if let error = told["error"] {
                    "\(error)"
                } else {
                    ["taken", "needs_restart"].map { "\($0)=\(Self.names(told[$0]))" }.joined(separator: " ")
                }
            lines.line.withLock { $0 = "\(event.level) \(text)" }
        }

        private static func names(_ value: Logger.MetadataValue?) -> String {
            guard case .array(let names)? = value else { return "?" }
            return "[\(names.map(\.description).joined(separator: ","))]"
        }
    }
}
