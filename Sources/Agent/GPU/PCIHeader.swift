// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The standard header of a function's configuration space, as the function itself has it now.
///
/// Of a virtual function vendor and device read as ones while it lives (PCI Express Base Specification 5.0, 9.3.4.1); its
/// command, status and class do not.
struct PCIHeader {
    /// `PCI_STD_HEADER_SIZEOF` (kernel, `include/uapi/linux/pci_regs.h`), what everybody can read.
    private static let size = 64

    private let bytes: [UInt8]

    /// Nil where it cannot be read. Blocks.
    init?(_ tree: HostTree, of function: String) {
        guard let bytes = tree.bytes("/sys/bus/pci/devices/\(function)/config", count: Self.size), !bytes.isEmpty else {
            return nil
        }
        self.bytes = [UInt8](bytes)
    }

    /// Whether nothing answered: all of it is ones.
    var isSilent: Bool { bytes.allSatisfy { $0 == 0xff } }

    /// Vendor and device, such as `10de:2330`; nil where they cannot be read.
    var pciID: String? {
        guard bytes.count >= 4 else { return nil }
        return String(format: "%02x%02x:%02x%02x", bytes[1], bytes[0], bytes[3], bytes[2])
    }
}
