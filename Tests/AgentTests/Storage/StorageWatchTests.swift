// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryTestSupport
import Logging
import Observability
import ServiceLifecycle
import Testing

@Suite("The agent says whether its disk can be written")
struct StorageWatchTests {
    @Test("A directory that goes away is told, and its return too; nothing is left in it")
    func comesAndGoes() async throws {
        try await withTemporaryDirectory { folder in
            let (directory, health) = (folder + "/state", Health())
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let watch = StorageWatch(
                directory: directory,
                health: health,
                interval: .milliseconds(20),
                logger: logger
            )
            let group = ServiceGroup(services: [watch], logger: logger)
            let run = Task { try await group.run() }
            try await eventually("it is missed") { health.complaints.map(\.part) == ["storage"] }
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
            try await eventually("it is well") { health.conditions == ["storage": .well] }
            try await shell("mv", directory, directory + ".away")
            try await eventually("it is missed again") { !health.complaints.isEmpty }
            try await shell("mv", directory + ".away", directory)
            try await eventually("it is well again") { health.complaints.isEmpty }
            await group.triggerGracefulShutdown()
            try await run.value
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == [])
        }
    }
}
