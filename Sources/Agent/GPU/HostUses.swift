// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// What the host itself needs of its PCI devices, so that no guest gets it.
///
/// A disk counts whether it is mounted or not: pools of ZFS and the like are mounted under names that lead to no disk,
/// and a tenant has no business with what is on it. A network interface counts while it is up, with a route or without: it
/// may be the way to storage, to the other nodes or to a default route that is away for a while.
struct HostUses {
    private let tree: HostTree

    init(_ tree: HostTree) {
        self.tree = tree
    }

    /// Finds what is needed.
    ///
    /// - Parameters:
    ///   - devices: The host's.
    ///   - uplink: The network device of floating IPs.
    /// - Returns: each device that is needed, with what for, such as “carries the default route by eno1”.
    func uses(of devices: [PCIDevice], uplink: String?) -> [PCIAddress: String] {
        var uses = diskUses
        for interface in activeInterfaces {
            for address in ports(of: interface) {
                uses[address] = "carries the network interface \(interface), which is up"
            }
        }
        if let uplink { for address in ports(of: uplink) { uses[address] = "carries floating IPs by \(uplink)" } }
        for interface in defaultInterfaces {
            for address in ports(of: interface) { uses[address] = "carries the default route by \(interface)" }
        }
        for device in devices where Self.isManagementController(device) {
            uses[device.address] = "is of the management controller"
        }
        for device in devices where device.isBootVGA { uses[device.address] = "is the firmware's display" }
        return uses
    }

    /// An IPMI interface, or the display that comes with the controllers of ASPEED and Matrox (G200).
    private static func isManagementController(_ device: PCIDevice) -> Bool {
        device.classCode == "0c07" || (["1a03", "102b"].contains(device.vendorID) && device.isGPU)
    }
}

// MARK: - Disks

extension HostUses {
    private static let blocks = "/sys/class/block"

    private var diskUses: [PCIAddress: String] {
        var uses: [PCIAddress: String] = [:]
        for disk in tree.names(Self.blocks) {
            for address in controllers(of: disk) where uses[address] == nil { uses[address] = "has the disk \(disk)" }
        }
        // The shortest path is the one that hurts most: “/” before “/srv”.
        for mount in mounts.sorted(by: { $0.point.count > $1.point.count }) {
            for disk in lowest(mount.device) {
                for address in controllers(of: disk) {
                    uses[address] = "has the disk \(disk), which holds \(mount.point)"
                }
            }
        }
        return uses
    }

    /// Block devices with where they are mounted, swap included (kernel, `Documentation/filesystems/proc.rst`, 3.5).
    private var mounts: [(device: String, point: String)] {
        let swaps = tree.lines("/proc/swaps").dropFirst()
            .compactMap { $0.split(separator: " ").first.flatMap { block(at: String($0)) } }
        return tree.lines("/proc/self/mountinfo").compactMap(mount) + swaps.map { ($0, "swap") }
    }

    private func mount(_ line: Substring) -> (device: String, point: String)? {
        let fields = line.split(separator: " ")
        guard fields.count > 6 else { return nil }
        // btrfs counts as no block device there, and names one as the source.
        let source = fields.firstIndex(of: "-").flatMap { $0 + 2 < fields.count ? fields[$0 + 2] : nil }
        let device = tree.linkName("/sys/dev/block/\(fields[2])") ?? source.flatMap { block(at: String($0)) }
        return device.map { ($0, String(fields[4])) }
    }

    /// The kernel's name of a device that is known by a path below `/dev`.
    private func block(at path: String) -> String? {
        guard path.hasPrefix("/dev/") else { return nil }
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        if tree.exists("\(Self.blocks)/\(name)") { return name }
        return tree.names(Self.blocks).first { tree.text("\(Self.blocks)/\($0)/dm/name") == name }
    }

    /// The devices that a mapped one (LVM, encryption, RAID) comes down to.
    private func lowest(_ device: String) -> [String] {
        let lower = tree.names("\(Self.blocks)/\(device)/slaves")
        return lower.isEmpty ? [device] : lower.flatMap(lowest)
    }

    /// What a disk hangs on: several, where NVMe reaches one disk in several ways.
    private func controllers(of disk: String) -> [PCIAddress] {
        let parts = tree.resolvedParts("\(Self.blocks)/\(disk)")
        guard let subsystem = parts.firstIndex(of: "nvme-subsystem"), subsystem + 1 < parts.count else {
            return [Self.lastAddress(parts)].compactMap { $0 }
        }
        let directory = "/sys/class/nvme-subsystem/\(parts[subsystem + 1])"
        return tree.names(directory).filter { $0.wholeMatch(of: /nvme[0-9]+/) != nil }
            .compactMap { Self.lastAddress(tree.resolvedParts("\(directory)/\($0)")) }
    }

    private static func lastAddress(_ parts: [String]) -> PCIAddress? {
        parts.last { (try? PCIAddress($0)) != nil }.flatMap { try? PCIAddress($0) }
    }
}

// MARK: - Network devices

extension HostUses {
    private static let interfaces = "/sys/class/net"

    /// Those that are up (`IFF_UP`; kernel, `include/uapi/linux/if.h`).
    private var activeInterfaces: [String] {
        tree.names(Self.interfaces)
            .filter { interface in
                let flags = tree.text("\(Self.interfaces)/\(interface)/flags")
                return flags.flatMap { UInt32($0.dropFirst(2), radix: 16) }.map { $0 & 1 == 1 } ?? false
            }
    }

    /// Those with a default route, of IPv4 or IPv6.
    private var defaultInterfaces: [String] {
        let v4 = tree.lines("/proc/net/route").map { $0.split(separator: "\t").map(String.init) }
            .filter { $0.count > 7 && $0[1] == "00000000" && $0[7] == "00000000" }.map { $0[0] }
        let v6 = tree.lines("/proc/net/ipv6_route").map { $0.split(separator: " ").map(String.init) }
            .filter { $0.count > 9 && $0[0].allSatisfy { $0 == "0" } && $0[1] == "00" }.map { $0[9] }
        return Set(v4 + v6).sorted()
    }

    /// The PCI devices of a network device, through bridges, bonds and VLANs.
    private func ports(of interface: String) -> [PCIAddress] {
        let path = "\(Self.interfaces)/\(interface)"
        let lower = tree.names(path).filter { $0.hasPrefix("lower_") }.map { String($0.dropFirst("lower_".count)) }
        guard lower.isEmpty else { return lower.flatMap(ports) }
        return [Self.lastAddress(tree.resolvedParts(path))].compactMap { $0 }
    }
}
