// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// A PCI function of the host's, as sysfs tells it (kernel, `Documentation/ABI/testing/sysfs-bus-pci`).
package struct PCIDevice: Hashable, Sendable {
    package let address: PCIAddress
    /// Vendor and device id, such as `10de:2330`.
    package let pciID: String
    /// The subsystem's vendor and device id.
    package let subsystemID: String
    /// Base class and subclass, such as `0302`.
    package let classCode: String
    /// Nil where the host does not say.
    package let numaNode: Int?
    /// Nil where there is no IOMMU.
    package let iommuGroup: Int?
    /// The driver that is bound, such as `nvidia` or `vfio-pci`.
    package let driver: String?
    /// The firmware's display, which is the console's.
    package let isBootVGA: Bool
    /// The bridge that it is behind; nil on a root bus.
    package let parent: PCIAddress?
    /// Nil where it has no PCI Express link of its own.
    package let link: PCILink?
    /// How the kernel can reset it, the one it prefers first, such as `flr`.
    package let resetMethods: [String]
    /// Sizes of the memory and I/O regions that it has.
    package let barBytes: [UInt64]
    /// Sizes of those memory regions that may be anywhere in 64 bits.
    package let wideBARBytes: [UInt64]
    /// How many virtual functions are switched on (SR-IOV), and how many it could have.
    package let virtualFunctions: Int
    package let maximumVirtualFunctions: Int
    /// Of a virtual function: whose.
    package let physicalFunction: PCIAddress?
    /// False when the header of configuration space reads as all ones: the device does not answer.
    package let answers: Bool

    /// Vendor and device as the function itself tells them. A virtual function has ones for them: they are its physical
    /// function's to tell.
    package var answer: String { physicalFunction == nil ? pciID : "ffff:ffff" }

    package var vendorID: String { String(pciID.prefix(4)) }

    /// Base class 06. A bridge is never given to a guest.
    package var isBridge: Bool { classCode.hasPrefix("06") }

    package var isGPU: Bool { function.isGPU }

    /// What identifies it, as nodes tell it.
    package var function: PCIFunction {
        PCIFunction(address: address, pciID: pciID, subsystemID: subsystemID, classCode: classCode)
    }
}

extension PCIFunction {
    /// A display, or a processing accelerator (PCI Code and ID Assignment Specification, 1.4 and 1.19).
    package var isGPU: Bool { classCode.hasPrefix("03") || classCode == "1200" }
}

/// A PCI Express link, as one of its ends sees it.
package struct PCILink: Hashable, Sendable {
    /// GT/s; nil where the device sleeps too deep to say.
    package let speed: Double?
    package let maximumSpeed: Double?
    /// Lanes; nil where the device sleeps too deep to say.
    package let width: Int?
    package let maximumWidth: Int?
}
