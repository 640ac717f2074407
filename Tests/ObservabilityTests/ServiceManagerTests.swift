// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Logging
import Observability
import ServiceLifecycle
import Testing

@Suite("The service manager hears when a program is ready, how it is, and that it lives")
struct ServiceManagerTests {
    private let health = Health()
    private let liveness = Liveness()

    private func make(_ environment: [String: String]) -> ServiceManager? {
        ServiceManager(
            environment: environment,
            parts: ["api", "postgresql"],
            health: health,
            liveness: liveness,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    /// Runs it against a socket such as systemd's.
    private func withManager(
        _ environment: [String: String] = [:],
        _ body: (NotifySocket, ServiceGroup) async throws -> Void
    ) async throws {
        try await withTemporaryDirectory { folder in
            let listener = try await NotifySocket("\(folder)/notify")
            let manager = try #require(make(environment.merging(["NOTIFY_SOCKET": "\(folder)/notify"]) { $1 }))
            let group = ServiceGroup(services: [manager], logger: Logger(label: "test"))
            let run = Task { try await group.run() }
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(listener, group))
            } catch {
                result = .failure(error)
            }
            await group.triggerGracefulShutdown()
            try await run.value
            listener.end()
            try result.get()
        }
    }

    @Test("Without one there is nobody to tell", arguments: [[:], ["NOTIFY_SOCKET": ""]])
    func nobody(_ environment: [String: String]) {
        #expect(make(environment) == nil)
    }

    @Test("Ready once every part has spoken, and not again; then in words what is ill; and the end")
    func ready() async throws {
        try await withManager { listener, group in
            health.report("api", .well)
            try await eventually("it speaks") {
                listener.words == "STATUS=wellSTATUS=well" || listener.words == "STATUS=well"
            }
            health.report("postgresql", .ill("no\nanswer"))
            try await eventually("it is ready") { listener.words.hasSuffix("READY=1\nSTATUS=postgresql: no answer") }
            health.report("postgresql", .well)
            try await eventually("it is well") { listener.words.hasSuffix("STATUS=well") }
            await group.triggerGracefulShutdown()
            try await eventually("it says that it ends") { listener.words.hasSuffix("STOPPING=1") }
            #expect(listener.count("READY=1") == 1)
            #expect(listener.count("WATCHDOG=1") == 0, "nobody asked for that")
        }
    }

    @Test("Time is asked for, with what for, for as long as a long start takes and no longer")
    func time() async throws {
        try await withTemporaryDirectory { folder in
            let listener = try await NotifySocket("\(folder)/notify")
            defer { listener.end() }
            let manager = try #require(make(["NOTIFY_SOCKET": "\(folder)/notify"]))
            let start = Task { await manager.extendStart(for: "It grows.", every: .milliseconds(20)) }
            try await eventually("it asks") { listener.count("EXTEND_TIMEOUT_USEC=60000\nSTATUS=It grows.") > 3 }
            start.cancel()
            await start.value
            #expect(!listener.words.contains("READY=1"))
            let before = listener.words
            try await Task.sleep(for: .milliseconds(100))
            #expect(listener.words == before)
        }
    }

    @Test("Signs of life come while every loop goes round, and no longer")
    func life() async throws {
        try await withManager(["WATCHDOG_USEC": "30000"]) { listener, _ in
            liveness.beat("one", within: .seconds(3600))
            try await eventually("it lives") { listener.count("WATCHDOG=1") > 3 }
            liveness.beat("two", within: .zero)
            #expect(liveness.stalled == ["two"])
            // One may be on its way.
            try await eventually("it is silent") {
                let before = listener.words
                try await Task.sleep(for: .milliseconds(100))
                return listener.words == before
            }
            liveness.beat("two", within: .seconds(3600))
            let before = listener.words
            try await eventually("it lives again") { listener.words != before }
        }
    }
}
