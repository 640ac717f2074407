// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
import Glibc

/// What this host truly has.
///
/// libvirt's node information adds up the NUMA nodes' `MemTotal` in sysfs. On kernels that initialise memory when it is
/// first wanted, those count only what was wanted so far: a host of 24 GiB says 15 there, grows as memory is used, and
/// gives out all 24. `/proc/meminfo` counts all of it, so that is the true one. Processors are those that this process,
/// and with it its guests, may run on, which a cgroup or affinity can make fewer than libvirt counts.
package enum HostCapacity {
    /// All of the host: processors this process may run on, the kernel's memory or its huge pages, the file system of
    /// `directory`.
    package static func total(directory: String, hugePages: HugePages = .ordinary) -> Resources {
        let memoryMiB = hugePages.pageMiB.map { $0 * hugePages.count().total } ?? memoryMiB
        return Resources(vcpus: processors, memoryMiB: memoryMiB, diskGiB: diskGiB(directory))
    }

    private static var processors: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
        let mask = line?.split(separator: "\t").last?.split(separator: ",").compactMap { UInt32($0, radix: 16) } ?? []
        return mask.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// `MemTotal` of `/proc/meminfo`, bounded by the cgroup's limit where there is one.
    private static var memoryMiB: Int {
        let meminfo = (try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8)) ?? ""
        let line = meminfo.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        let total = line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 / 1024 } ?? 0
        let limit = (try? String(contentsOfFile: "/sys/fs/cgroup/memory.max", encoding: .utf8))
            .flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
        return min(total, limit.map { $0 >> 20 } ?? total)
    }

    private static func diskGiB(_ directory: String) -> Int {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return 0 }
        return Int((status.f_blocks * UInt(status.f_frsize)) >> 30)
    }

    /// Bytes of the disk that are left to the guests that run: a guest that cannot write is held.
    package static let leastFree = 1 << 30

    /// Bytes that a service may still write below `directory`.
    package static func freeBytes(_ directory: String) -> Int {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { return 0 }
        return Int(status.f_bavail * UInt(status.f_frsize))
    }

    /// A NUMA node with its processors; nil when there is no such node.
    package static func numaNode(_ number: Int) -> NUMANode? {
        let path = "/sys/devices/system/node/node\(number)/cpulist"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        let processors = text.trimmingCharacters(in: .whitespacesAndNewlines)
        return processors.isEmpty ? nil : NUMANode(number: number, processors: processors)
    }
}

/// A part of the host whose processors and memory are near each other.
package struct NUMANode: Hashable, Sendable {
    package let number: Int
    /// A list as the kernel writes it, such as `0-15,32-47`.
    package let processors: String

    package init(number: Int, processors: String) {
        (self.number, self.processors) = (number, processors)
    }
}
