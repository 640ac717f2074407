// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Testing

@Suite("What a node says of its GPUs goes by its ledger, its hardware and the kernel's log")
struct GPUKeeperTests {
    @Test("What the kernel said before a unit was cleaned is over, also for the next agent; what it says later is not")
    func incidents() async throws {
        try await withRecordedHost("mi300x") { root in
            let log = "\(root)/kmsg"
            let line = ",1,-;pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: 0000:01:00.0\n"
            try "3,7\(line)".write(toFile: log, atomically: true, encoding: .utf8)
            try await clean(in: root, at: .init(boot: "first", number: 7))
            #expect(try await condition(in: root, log, "first") == .ready)
            // The log of another boot begins anew.
            #expect(try await condition(in: root, log, "second") == .faulty)
            try "3,7\(line)3,8\(line)".write(toFile: log, atomically: true, encoding: .utf8)
            #expect(try await condition(in: root, log, "first") == .faulty)
        }
    }

    /// Has the ledger say that the host's first unit was cleaned.
    private func clean(in root: String, at place: KernelLog.Place) async throws {
        let unit = try #require(try GPUScan(root: root, policy: GPUPolicy()).units().first)
        var entry = GPULedger.Entry(claim: 1, state: .cleaned(how: "flr"), functions: unit.identity)
        entry.heard = place
        try await GPULedger(path: "\(root)/gpus.json").note(entry, of: unit.address)
    }

    /// What a new agent says of the first unit when it has read the log.
    private func condition(
        in root: String,
        _ log: String,
        _ boot: String
    ) async throws -> GPUInventory.Condition? {
        let kernelLog = KernelLog(path: log, boot: boot)
        try await kernelLog.follow()
        let keeper = GPUKeeper(
            scan: GPUScan(root: root, policy: GPUPolicy()),
            kernelLog: kernelLog,
            root: root,
            ledger: GPULedger(path: "\(root)/gpus.json"),
            hook: nil,
            returnsDrivers: false,
            logger: Logger(label: "test")
        )
        return try await keeper.inventory().first?.condition
    }
}
