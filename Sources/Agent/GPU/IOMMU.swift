// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// Whether a host's IOMMU is on, what turns it on, and how far it reaches.
package struct IOMMU: Sendable {
    private static let directory = "/sys/kernel/iommu_groups"

    private let tree: HostTree

    package init(root: String = "/") {
        tree = HostTree(root: root)
    }

    /// How many groups of devices there are; none when it is off.
    package var groupCount: Int { tree.names(Self.directory).count }

    /// Whether a group is one that VFIO made without an IOMMU. A guest could write to all of the host's memory.
    package func isFake(_ group: Int) -> Bool { tree.text("\(Self.directory)/\(group)/name") == "vfio-noiommu" }

    /// How many address bits the IOMMU of a device can map; nil where the host does not say.
    package func addressBits(of device: PCIAddress) -> Int? {
        let path = "/sys/bus/pci/devices/\(device)/iommu"
        if let capabilities = register("\(path)/intel-iommu/cap") {
            // MGAW, and the widest of SAGAW's page tables (Intel, “Virtualization Technology for Directed I/O”, 11.4.2).
            let width = Int(capabilities >> 16 & 0x3f) + 1
            let tables = [(1, 39), (2, 48), (3, 57)].filter { capabilities >> (8 + UInt64($0.0)) & 1 == 1 }
            return tables.last.map { min(width, $0.1) } ?? width
        }
        if let features = register("\(path)/amd-iommu/features") {
            // HATS, levels of page tables beyond four (AMD, “I/O Virtualization Technology (IOMMU) Specification”, 3.4.9).
            return 12 + 9 * (4 + Int(features >> 10 & 3))
        }
        return nil
    }

    /// A number in hexadecimal, the first of several.
    private func register(_ path: String) -> UInt64? {
        tree.text(path)?.split(separator: ":").first.flatMap { UInt64($0, radix: 16) }
    }

    /// What to do when it is off. The firmware's table (DMAR of Intel, IVRS of AMD, IORT of Arm) is there when the firmware
    /// has it on; then the kernel was told otherwise.
    package var advice: String {
        let cpu = tree.lines("/proc/cpuinfo").first { $0.hasPrefix("vendor_id") }.map(String.init) ?? ""
        let firmwareHas = { (table: String) in tree.exists("/sys/firmware/acpi/tables/\(table)") }
        if cpu.hasSuffix("GenuineIntel") {
            return firmwareHas("DMAR")
                ? "boot with intel_iommu=on" : "turn VT-d on in the firmware, and boot with intel_iommu=on"
        }
        if cpu.hasSuffix("AuthenticAMD") || cpu.hasSuffix("HygonGenuine") {
            return firmwareHas("IVRS")
                ? "boot without amd_iommu=off and iommu=off" : "turn the IOMMU (AMD-Vi) on in the firmware"
        }
        return firmwareHas("IORT") ? "boot without iommu=off" : "turn the IOMMU on in the firmware"
    }
}
