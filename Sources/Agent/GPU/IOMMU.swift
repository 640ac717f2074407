// SPDX-License-Identifier: Apache-2.0

/// Whether a host's IOMMU is on, and what turns it on.
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
