// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// The PCI devices of a host, from sysfs alone.
package struct PCIBus: Sendable {
    private static let directory = "/sys/bus/pci/devices"

    private let tree: HostTree

    package init(root: String = "/") {
        tree = HostTree(root: root)
    }

    /// All functions by address. One that is unplugged during the look is left out. Blocks.
    package func devices() throws(Fault) -> [PCIDevice] {
        guard tree.exists(Self.directory) else {
            throw Fault(.hostCommandFailed, "The node's PCI devices cannot be read: there is no \(Self.directory).")
        }
        return tree.names(Self.directory).compactMap(device).sorted { $0.address < $1.address }
    }

    private func device(_ name: String) -> PCIDevice? {
        let path = "\(Self.directory)/\(name)"
        guard let address = try? PCIAddress(name), let vendor = identifier("\(path)/vendor"),
            let device = identifier("\(path)/device"), let classCode = identifier("\(path)/class")
        else { return nil }
        let bars = tree.lines("\(path)/resource").prefix(Self.barCount).compactMap(Self.region)
        let subsystem = [identifier("\(path)/subsystem_vendor"), identifier("\(path)/subsystem_device")]
        return PCIDevice(
            address: address,
            pciID: "\(vendor):\(device)",
            subsystemID: subsystem.map { $0 ?? "0000" }.joined(separator: ":"),
            classCode: classCode,
            numaNode: tree.number("\(path)/numa_node").flatMap { $0 < 0 ? nil : $0 },
            iommuGroup: tree.linkName("\(path)/iommu_group").flatMap { Int($0) },
            driver: tree.linkName("\(path)/driver"),
            isBootVGA: tree.text("\(path)/boot_vga") == "1",
            parent: tree.resolvedParts(path).dropLast().last.flatMap { try? PCIAddress($0) },
            link: link(path),
            resetMethods: tree.text("\(path)/reset_method")?.split(separator: " ").map(String.init) ?? [],
            barBytes: bars.map(\.bytes),
            wideBARBytes: bars.filter { $0.flags & Self.wide != 0 }.map(\.bytes),
            virtualFunctions: tree.number("\(path)/sriov_numvfs") ?? 0,
            maximumVirtualFunctions: tree.number("\(path)/sriov_totalvfs") ?? 0,
            physicalFunction: tree.linkName("\(path)/physfn").flatMap { try? PCIAddress($0) },
            answers: PCIHeader(tree, of: name)?.isSilent != true
        )
    }

    /// `0x10de` as `10de`, and the first four digits of a class.
    private func identifier(_ path: String) -> String? {
        guard let text = tree.text(path), text.hasPrefix("0x"), text.count >= 6 else { return nil }
        return String(text.dropFirst(2).prefix(4))
    }

    private func link(_ path: String) -> PCILink? {
        guard tree.exists("\(path)/max_link_width") else { return nil }
        return PCILink(
            speed: speed("\(path)/current_link_speed"),
            maximumSpeed: speed("\(path)/max_link_speed"),
            width: width("\(path)/current_link_width"),
            maximumWidth: width("\(path)/max_link_width")
        )
    }

    /// Of `16.0 GT/s PCIe` the number; nil of `Unknown`.
    private func speed(_ path: String) -> Double? {
        tree.text(path)?.split(separator: " ").first.flatMap { Double($0) }
    }

    /// 0 and 63 are no widths: the first is a link that is down, the second all ones.
    private func width(_ path: String) -> Int? {
        tree.number(path).flatMap { (1...32).contains($0) ? $0 : nil }
    }

    /// The lines of `resource` after these are the ROM, the virtual functions' regions and a bridge's windows.
    private static let barCount = 6

    /// `IORESOURCE_MEM_64` (kernel, `include/linux/ioport.h`).
    private static let wide: UInt64 = 0x10_0000

    /// A region that is written as its first byte, its last and its flags; nil for none.
    private static func region(_ line: Substring) -> (bytes: UInt64, flags: UInt64)? {
        let numbers = line.split(separator: " ").compactMap { UInt64($0.dropFirst(2), radix: 16) }
        guard numbers.count == 3, numbers[2] != 0, numbers[1] > numbers[0] else { return nil }
        return (numbers[1] - numbers[0] + 1, numbers[2])
    }
}
