// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel

/// The processes that have a PCI function's device nodes open: a driver that is taken from them waits, or takes the kernel
/// with it. Its calls block.
package struct DeviceHolders: Sendable {
    private let root: String

    package init(root: String) { self.root = root }

    /// The processes that use one of the functions, each such as `python3 (1234)`.
    package func processes(of addresses: [PCIAddress], iommuGroup: Int?) -> [String] {
        var nodes = addresses.reduce(into: Set<String>()) { $0.formUnion(self.nodes(of: $1)) }
        if let iommuGroup { nodes.insert("/dev/vfio/\(iommuGroup)") }
        return (try? FileManager.default.contentsOfDirectory(atPath: "\(root)/proc"))?
            .filter { Int($0) != nil && !nodes.isDisjoint(with: openFiles(of: $0)) }
            .map { "\(name(of: $0)) (\($0))" }.sorted() ?? []
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

    private func openFiles(of process: String) -> Set<String> {
        let folder = "\(root)/proc/\(process)/fd"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return Set(names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") })
    }

    private func name(of process: String) -> String {
        let name = (try? String(contentsOfFile: "\(root)/proc/\(process)/comm", encoding: .utf8)) ?? "a process"
        return name.trimmingCharacters(in: .newlines)
    }
}
