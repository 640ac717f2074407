// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A tenant's browser reaches a machine's display over the conductor (root)", .serialized)
struct ConsoleTests {
    @Test("A URL opens the display once; the agent dials out for it, and it ends with the machine")
    func display() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let agent = try cloud.startAgent()
            let machine = try await cloud.wait(for: cloud.create("screen"), .active)
            let url = try await cloud.api.consoleURL(of: machine.id)
            let size = try await ConsoleClient(url).display()
            #expect(try #require(size).width >= 640)
            #expect(try await ConsoleClient(url).display() == nil)

            let (first, second) = try await (
                cloud.api.consoleURL(of: machine.id), cloud.api.consoleURL(of: machine.id)
            )
            _ = try await ConsoleClient(first)
                .display {
                    #expect(try await ConsoleClient(second).display() != nil)
                    try await cloud.remove(machine)
                }
            #expect(try await agent.stop() == 0)
        }
    }
}
