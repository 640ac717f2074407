// SPDX-License-Identifier: Apache-2.0

import Agent
import Testing

@Suite("Work is bounded and ordered, whatever becomes of each piece")
struct QueueTests {
    private struct Failure: Error {}

    @Test("No more is under way than there are slots, and a failure gives its slot back")
    func slots() async throws {
        let slots = AsyncSemaphore(3)
        let (now, most) = (Shared(0), Shared(0))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    try? await slots.withSlot {
                        let count = now.change { $0 += 1 }
                        most.change { $0 = max($0, count) }
                        await Task.yield()
                        now.change { $0 -= 1 }
                        if number.isMultiple(of: 2) { throw Failure() }
                    }
                }
            }
        }
        #expect(now.value == 0)
        #expect((1...3).contains(most.value))
        #expect(await slots.withSlot { 7 } == 7)
    }

    @Test("One after the other, also after a failure")
    func order() async throws {
        let queue = SerialQueue()
        let (now, most, done) = (Shared(0), Shared(0), Shared(0))
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    try? await queue.run {
                        let count = now.change { $0 += 1 }
                        most.change { $0 = max($0, count) }
                        await Task.yield()
                        now.change { $0 -= 1 }
                        done.change { $0 += 1 }
                        if number.isMultiple(of: 2) { throw Failure() }
                    }
                }
            }
        }
        #expect((most.value, done.value) == (1, 60))
        await #expect(throws: Failure.self) { try await queue.run { throw Failure() } }
    }
}
