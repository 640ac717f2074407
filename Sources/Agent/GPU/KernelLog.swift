// SPDX-License-Identifier: Apache-2.0

import DedicatedThread
import Foundation
package import GantryModel
import Synchronization

/// Follows the kernel's log and keeps what it says against PCI devices.
///
/// `/dev/kmsg` gives all that was said since the host was started, and then what comes (kernel,
/// `Documentation/ABI/testing/dev-kmsg`). So an agent that starts again knows what the last one knew.
package final class KernelLog: Sendable {
    /// A place in the log of one boot of the host's.
    package struct Place: Hashable, Sendable, Codable {
        package let boot: String
        package let number: UInt64

        package init(boot: String, number: UInt64) {
            (self.boot, self.number) = (boot, number)
        }

        /// Whether something in the log of a boot was said after it.
        package func precedes(_ incident: KernelIncident, of boot: String) -> Bool {
            self.boot != boot || number < incident.number
        }
    }

    private struct Currency {
        var isReached = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let path: String
    private let found = Mutex<[PCIAddress: KernelIncident]>([:])
    private let newest = Mutex<UInt64>(0)
    private let isEnding = Mutex(false)
    private let currency = Mutex(Currency())
    /// The id of the host's boot, whose log it is.
    package let boot: String

    package init(path: String = "/dev/kmsg", boot: String = NodeAgent.bootID) {
        (self.path, self.boot) = (path, boot)
    }

    /// The newest incident of each device, for ``GPUScan/units(incidents:)``.
    package var incidents: [PCIAddress: KernelIncident] { found.withLock { $0 } }

    /// Up to where it was read.
    package var place: Place { Place(boot: boot, number: newest.withLock { $0 }) }

    /// Follows the log on a thread of its own until the task is cancelled, or the log ends.
    ///
    /// - Throws: when the log cannot be read.
    package func follow() async throws(Fault) {
        let thread = DedicatedThread(name: "kernel-log")
        defer {
            thread.shutDown()
            reachPresent()
        }
        let result = await withTaskCancellationHandler {
            await thread.run { Result { () throws(Fault) in try self.read() } }
        } onCancel: {
            isEnding.withLock { $0 = true }
        }
        try result.get()
    }

    /// Returns when what was said before was read, or the log is not followed any more. For those who see to it that it is.
    package func caughtUp() async {
        await withCheckedContinuation { continuation in
            let isReached = currency.withLock { currency in
                if !currency.isReached { currency.waiting.append(continuation) }
                return currency.isReached
            }
            if isReached { continuation.resume() }
        }
    }

    private func reachPresent() {
        let waiting = currency.withLock { currency in
            defer { currency = Currency(isReached: true) }
            return currency.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func read() throws(Fault) {
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw HostFiles.failure("The kernel's log could not be opened on the node") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: Self.longestRecord)
        var rest: [UInt8] = []
        while !isEnding.withLock({ $0 }) {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 {
                rest = take(rest + buffer.prefix(count))
            } else if count == 0 {
                _ = take(rest + [Self.newline])
                return
            } else if errno == EAGAIN {
                reachPresent()
                wait(descriptor)
            } else if errno != EPIPE && errno != EINTR {
                // EPIPE: the kernel has overwritten records that were not read. The next read goes on after them.
                throw HostFiles.failure("The kernel's log could not be read on the node")
            }
        }
    }

    /// Takes the whole lines and returns what is left.
    private func take(_ bytes: [UInt8]) -> [UInt8] {
        guard let end = bytes.lastIndex(of: Self.newline) else { return bytes.count < Self.longestRecord ? bytes : [] }
        for line in bytes[..<end].split(separator: Self.newline) {
            let record = String(decoding: line, as: UTF8.self)
            if let incident = KernelIncident(record) { found.withLock { $0[incident.device] = incident } }
            if let number = KernelIncident.number(of: record) { newest.withLock { $0 = max($0, number) } }
        }
        return Array(bytes[(end + 1)...])
    }

    private func wait(_ descriptor: Int32) {
        var interest = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&interest, 1, Self.patience)
    }

    /// More than a record of the kernel's has.
    private static let longestRecord = 8192
    private static let newline = UInt8(ascii: "\n")
    /// Milliseconds until it is seen that the task was cancelled.
    private static let patience: Int32 = 500
}
