// SPDX-License-Identifier: Apache-2.0

/// The physical addresses that guests have for their devices.
///
/// OVMF puts a guest's 64-bit regions into one window, whose size follows from the address bits of the guest's processor
/// (edk2, `OvmfPkg/Library/PlatformInitLib/MemDetect.c`). What does not fit is not there for the guest, and what the
/// host's IOMMU cannot map ends the guest.
package struct GuestAddressSpace: Hashable, Sendable {
    /// What of the window GPUs can have, in bytes.
    package let windowBytes: UInt64
    /// How many bits the window's addresses have; nil when it follows the guest's memory, far below any limit.
    package let windowBits: Int?

    /// The address space of guests on a host.
    ///
    /// - Parameters:
    ///   - tree: The host.
    ///   - virtType: With KVM guests have the host's bits, emulated ones those that QEMU has for its own processor.
    package init(_ tree: HostTree, virtType: VirtType) {
        switch virtType {
        case .kvm:
            let lines = tree.lines("/proc/cpuinfo")
            let isIntel = lines.contains { $0.hasPrefix("vendor_id") && $0.hasSuffix("GenuineIntel") }
            let sizes = lines.lazy.compactMap { $0.firstMatch(of: /^address sizes\s*: (\d+) bits physical/) }.first
            self.init(processorBits: sizes.flatMap { Int($0.1) } ?? Self.emulatedBits, isIntel: isIntel)
        case .qemu: self.init(processorBits: Self.emulatedBits, isIntel: false)
        }
    }

    init(processorBits: Int, isIntel: Bool) {
        // Fewer than 41 may be QEMU's invention; OVMF believes only these.
        let isBelieved = processorBits > 40 || (isIntel ? [36, 39] : [40]).contains(processorBits)
        let eighth: UInt64 = 1 << UInt64(min(processorBits, Self.firmwareBits.lowerBound) - 3)
        let followsBits = isBelieved && eighth > Self.leastWindow
        windowBytes = (followsBits ? eighth : Self.leastWindow) - Self.others
        windowBits = followsBits ? min(processorBits, Self.firmwareBits.upperBound) : nil
    }

    /// QEMU's for a processor that it emulates (`TCG_PHYS_ADDR_BITS`).
    private static let emulatedBits = 40
    /// OVMF uses no more, in its versions.
    private static let firmwareBits = 46...47
    private static let leastWindow: UInt64 = 32 << 30
    /// The guest's other devices have small regions behind their own ports, in steps of a MiB.
    static let others: UInt64 = 64 << 20

    /// What of the window the functions take, each behind a port of its own. A port's regions begin on a multiple of its
    /// largest, the largest ports first (edk2, `MdeModulePkg/Bus/Pci/PciBusDxe/PciResourceSupport.c`).
    package static func bytes(of functions: [PCIDevice]) -> UInt64 {
        functions
            .compactMap { function in
                function.wideBARBytes.max().map { (largest: $0, sum: function.wideBARBytes.reduce(0, +)) }
            }
            .sorted { $0.largest > $1.largest }
            .reduce(0) { end, port in (end + port.largest - 1) / port.largest * port.largest + port.sum }
    }
}

/// An amount in words, such as `128 GiB`, rounded up.
func gibibytes(_ bytes: UInt64) -> String { "\((bytes + (1 << 30) - 1) >> 30) GiB" }
