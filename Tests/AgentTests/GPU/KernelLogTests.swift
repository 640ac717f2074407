// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryTestSupport
import Testing

@Suite("The kernel's log tells which devices are sick")
struct KernelLogTests {
    @Test(
        "Errors of a card, and bus errors that were not corrected, are its incidents",
        arguments: [
            (
                "NVRM: Xid (PCI:0000:65:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.",
                "0000:65:00.0", "Xid 79: fallen off the bus"
            ),
            (
                "3,512,9,-;NVRM: Xid (PCI:0001:0A:00): 48, pid=1, An uncorrectable double bit error", "0001:0a:00.0",
                "48"
            ),
            ("NVRM: Xid (PCI:10000:01:00): 119, pid=99, Timeout waiting for RPC from GSP!", "10000:01:00.0", "119"),
            (
                "pcieport 0000:64:01.0: AER: Uncorrected (Fatal) error received: 0000:65:00.0", "0000:65:00.0",
                "(fatal)"
            ),
            (
                "pcieport 0000:64:01.0: AER: Multiple Uncorrected (Non-Fatal) error received: 0000:65:00.1",
                "0000:65:00.1", "(non-fatal)"
            ),
            (
                "pcieport 0000:80:1b.4: AER: Uncorrectable (Non-Fatal) error message received from 0000:80:1b.4",
                "0000:80:1b.4", "(non-fatal)"
            ),
        ]
    )
    func incident(_ line: String, _ device: String, _ text: String) throws {
        let incident = try #require(KernelIncident(line))
        #expect("\(incident.device)" == device && incident.text.contains(text), "\(incident)")
    }

    @Test(
        "What programs did, what was corrected and what is no such line are none",
        arguments: [
            "NVRM: Xid (PCI:0000:65:00): 13, pid=4711, name=python3, Graphics SM Warp Exception",
            "NVRM: Xid (PCI:0000:65:00): 31, pid=4711, name=python3, Ch 00000008, MMU Fault",
            "NVRM: Xid (PCI:0000:65:00): 790, pid=1, of tomorrow",
            "pcieport 0000:64:01.0: AER: Corrected error received: 0000:65:00.0",
            "pcieport 0000:64:01.0: AER: Multiple Correctable error message received from 0000:65:00.0",
            "pcieport 0000:00:1c.5: AER: Uncorrected (Fatal) error received: id=00e5",
            "NVRM: Xid (PCI:0000:65): 79", "", "usb 1-1: new high-speed USB device",
        ]
    )
    func none(_ line: String) {
        #expect(KernelIncident(line) == nil)
    }

    private static let first = "3,7,1,-;NVRM: Xid (PCI:0000:65:00): 79, GPU has fallen off the bus.\n"
    private static let second = "3,9,2,-;pcieport 0000:16:00.0: AER: Uncorrected (Fatal) error received: 0000:17:00.0"

    @Test("A log that ends is read to its end, its last line too")
    func file() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/kmsg"
            try (Self.first + " SUBSYSTEM=pci\n" + Self.second).write(toFile: path, atomically: true, encoding: .utf8)
            let log = KernelLog(path: path)
            #expect(log.place.number == 0)
            try await log.follow()
            let (gpu, other) = (try PCIAddress("0000:65:00.0"), try PCIAddress("0000:17:00.0"))
            #expect(Set(log.incidents.keys) == [gpu, other])
            #expect(log.incidents.values.map(\.number).sorted() == [7, 9])
            #expect(log.place == KernelLog.Place(boot: log.boot, number: 9))
        }
    }

    @Test("Lines that come later, and in pieces, are seen, until the task is cancelled")
    func pipe() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/kmsg"
            try #require(mkfifo(path, 0o600) == 0)
            // Open at both ends from the start, so that the log does not end.
            let pipe = try #require(FileHandle(forUpdatingAtPath: path))
            let log = KernelLog(path: path)
            let following = Task { try await log.follow() }
            try pipe.write(contentsOf: Data(Self.first.prefix(30).utf8))
            try pipe.write(contentsOf: Data((Self.first.dropFirst(30) + Self.second).utf8))
            try await eventually("The first line is seen") { log.incidents.count == 1 }
            try pipe.write(contentsOf: Data("\n".utf8))
            try await eventually("The second line is seen") { log.incidents.count == 2 }
            following.cancel()
            try await following.value
        }
    }

    @Test("What was said before can be waited for, also where the log goes on or cannot be read")
    func caughtUp() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/kmsg"
            try #require(mkfifo(path, 0o600) == 0)
            let pipe = try #require(FileHandle(forUpdatingAtPath: path))
            try pipe.write(contentsOf: Data(Self.first.utf8))
            let log = KernelLog(path: path)
            let following = Task { try await log.follow() }
            let isRead = Shared(false)
            Task {
                await log.caughtUp()
                isRead.change { $0 = true }
            }
            try await eventually("the present is reached") { isRead.value }
            #expect(log.incidents.count == 1)
            following.cancel()
            try await following.value
            await log.caughtUp()
        }
        let missing = KernelLog(path: "/nonexistent")
        await #expect(throws: Fault.self) { try await missing.follow() }
        await missing.caughtUp()
    }

    @Test("This host's own log can be followed (root)")
    func own() async throws {
        let log = KernelLog()
        let following = Task { try await log.follow() }
        following.cancel()
        try await following.value
    }
}
