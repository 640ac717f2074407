// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel

/// The processes that have a PCI function's device nodes open, or its regions in their memory: a driver that is taken from
/// them waits, or takes the kernel with it. Its calls block.
package struct DeviceHolders: Sendable {
    private let root: String

    /// Whether this process has `CAP_SYS_PTRACE`, by which the kernel lets it look at all others (capabilities(7)).
    private let mayLookAtAll: Bool

    package init(root: String) {
        self.root = root
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("CapEff:") }
        let capabilities = line.flatMap { UInt64($0.dropFirst(7).trimmingCharacters(in: .whitespaces), radix: 16) } ?? 0
        mayLookAtAll = capabilities & 1 << 19 != 0
    }

    /// The processes that use one of the functions, each such as `python3 (1234)`.
    ///
    /// - Throws: When it cannot be seen. That nobody is seen does not mean then that nobody is there.
    package func processes(of addresses: [PCIAddress], iommuGroup: Int?) throws(Fault) -> [String] {
        var nodes = addresses.reduce(into: Set<String>()) { $0.formUnion(self.nodes(of: $1)) }
        if let iommuGroup { nodes.insert("/dev/vfio/\(iommuGroup)") }
        guard let names = try seen("/proc", FileManager.default.contentsOfDirectory) else {
            throw unseen("/proc", "it is not there")
        }
        var holders: [String] = []
        for process in names where Int(process) != nil {
            let opens = try !openFiles(of: process).isDisjoint(with: nodes)
            let maps = try maps(process, addresses)
            if opens || maps { holders.append("\(name(of: process)) (\(process))") }
        }
        return holders.sorted()
    }

    /// The nodes that drivers made for the function, and NVIDIA's, which is not in sysfs.
    private func nodes(of address: PCIAddress) -> Set<String> {
        let folder = URL(filePath: "\(root)/sys/bus/pci/devices/\(address)").resolvingSymlinksInPath().path()
        // Links below it are not followed, so that this ends.
        let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
        let nodes = names.filter { ($0 as NSString).lastPathComponent == "uevent" }
            .compactMap { value("DEVNAME=", in: "\(folder)/\($0)") }
        let minor = value("Device Minor:", in: "\(root)/proc/driver/nvidia/gpus/\(address)/information")
        return Set((nodes + (minor.map { ["nvidia\($0)"] } ?? [])).map { "/dev/\($0)" })
    }

    /// What stands in a file behind the given beginning of a line.
    private func value(_ key: String, in path: String) -> String? {
        let lines = ((try? String(contentsOfFile: path, encoding: .utf8)) ?? "").split(separator: "\n")
        let line = lines.first { $0.hasPrefix(key) }
        return line.map { $0.dropFirst(key.count).trimmingCharacters(in: .whitespaces) }
    }

    private func openFiles(of process: String) throws(Fault) -> Set<String> {
        let folder = "/proc/\(process)/fd"
        var files: Set<String> = []
        for name in try seen(folder, FileManager.default.contentsOfDirectory) ?? [] {
            let file = try seen("\(folder)/\(name)", FileManager.default.destinationOfSymbolicLink)
            if let file { files.insert(file) }
        }
        return files
    }

    /// Whether a process has a function's region in its memory by sysfs (`resource0`), as tools have that need no driver. The
    /// file may be closed since.
    private func maps(_ process: String, _ addresses: [PCIAddress]) throws(Fault) -> Bool {
        let maps = try seen("/proc/\(process)/maps") { try Data(contentsOf: URL(filePath: $0)) } ?? Data()
        return addresses.contains { maps.range(of: Data("/\($0)/resource".utf8)) != nil }
    }

    /// What is read at a path; nil where it is no more, as with a process that ended.
    private func seen<Value>(_ path: String, _ read: (String) throws -> Value) throws(Fault) -> Value? {
        do {
            return try read(root + path)
        } catch {
            let reason = ((error as NSError).userInfo[NSUnderlyingErrorKey] as? POSIXError)?.code
            if let reason, [.ENOENT, .ESRCH].contains(reason) { return nil }
            // A security module hides it from everybody, and would stop all GPUs of the host for its sake.
            if let reason, [.EACCES, .EPERM].contains(reason), mayLookAtAll { return nil }
            throw unseen(path, reason.map { String(cString: strerror($0.rawValue)) } ?? "\(error)")
        }
    }

    private func unseen(_ path: String, _ reason: String) -> Fault {
        Fault(.hostGPUBusy, "It cannot be seen which processes use a GPU of the node: \(path): \(reason).")
    }

    private func name(of process: String) -> String {
        let name = (try? String(contentsOfFile: "\(root)/proc/\(process)/comm", encoding: .utf8)) ?? "a process"
        return name.trimmingCharacters(in: .newlines)
    }
}
