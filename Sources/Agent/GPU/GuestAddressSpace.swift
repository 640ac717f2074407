// SPDX-License-Identifier: Apache-2.0

/// The physical addresses that guests have for their devices.
///
/// OVMF puts a guest's 64-bit regions into one window, whose size follows from the address bits of the guest's processor
/// (edk2, `OvmfPkg/Library/PlatformInitLib/MemDetect.c`). A part of it is reserved for each port, for what may be plugged in
/// there. What does not fit is not there for the guest, and what the host's IOMMU cannot map ends the guest.
package struct GuestAddressSpace: Hashable, Sendable {
    /// What of the window GPUs can have, in bytes.
    package let windowBytes: UInt64
    /// How many bits the window's addresses have; nil when it follows the guest's memory, far below any limit.
    package let windowBits: Int?
    /// What each port has of the window at least, in bytes.
    let portBytes: UInt64

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
        // A window of the least size is left to the devices (edk2, `OvmfPkg/PciHotPlugInitDxe/PciHotPlugInit.c`, since 2022.11).
        portBytes = followsBits ? eighth / 256 : 0
        let window = followsBits ? eighth : Self.leastWindow
        windowBytes = window - UInt64(DomainXML.otherPorts) * portBytes - Self.others
        windowBits = followsBits ? min(processorBits, Self.firmwareBits.upperBound) : nil
    }

    /// QEMU's for a processor that it emulates (`TCG_PHYS_ADDR_BITS`).
    private static let emulatedBits = 40
    /// OVMF uses no more, in its versions.
    private static let firmwareBits = 46...47
    private static let leastWindow: UInt64 = 32 << 30
    /// The guest's other devices have small regions, behind their own ports in steps of a MiB.
    static let others: UInt64 = 64 << 20

    /// What of the window the functions take, each behind a port of its own. A port's regions begin on a multiple of its
    /// largest, the largest ports first, and what is reserved for the port counts where it is more (edk2,
    /// `MdeModulePkg/Bus/Pci/PciBusDxe/PciResourceSupport.c`). The other ports follow on a multiple of theirs.
    package func bytes(of functions: [PCIDevice]) -> UInt64 {
        let end =
            functions
            .map { function in
                (
                    largest: max(function.wideBARBytes.max() ?? 0, portBytes),
                    sum: max(function.wideBARBytes.reduce(0, +), portBytes)
                )
            }
            .sorted { $0.largest > $1.largest }
            .reduce(0) { end, port in Self.multiple(of: port.largest, from: end) + port.sum }
        return Self.multiple(of: portBytes, from: end)
    }

    /// The first multiple that is not below a number; of 0 the number itself.
    private static func multiple(of step: UInt64, from number: UInt64) -> UInt64 {
        step == 0 ? number : (number + step - 1) / step * step
    }
}

/// An amount in words, such as `128 GiB`, rounded up.
func gibibytes(_ bytes: UInt64) -> String { "\((bytes + (1 << 30) - 1) >> 30) GiB" }
