// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What the kernel says of processes (proc(5)).
enum ProcessTable {
    /// User and system time of a process, in seconds, to a hundredth; nil when there is none.
    static func cpuSeconds(_ pid: Int32) -> Double? {
        guard let fields = stat(pid), fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12])
        else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The same of a process with its children that live.
    static func cpuSeconds(ofTree pid: Int32) -> Double {
        ([pid] + children(of: pid)).compactMap { cpuSeconds($0) }.reduce(0, +)
    }

    /// Resident memory, in MiB, and what of it is the process's own rather than pages of programs and libraries, which
    /// the kernel can drop and other processes share (proc(5), `statm`); nil when there is no such process.
    static func memoryMiB(_ pid: Int32) -> (resident: Double, own: Double)? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/statm", encoding: .utf8) else { return nil }
        let pages = text.split(separator: " ").compactMap { Double($0) }
        guard pages.count > 2 else { return nil }
        let mebibytes = Double(sysconf(Int32(_SC_PAGESIZE))) / 1_048_576
        return (pages[1] * mebibytes, (pages[1] - pages[2]) * mebibytes)
    }

    private static func children(of parent: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { stat($0)?.dropFirst().first.flatMap { Int32($0) } == parent }
    }

    /// The fields after the program's name, which may hold anything: state, parent, …
    private static func stat(_ pid: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }
}
