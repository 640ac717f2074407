// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// One function of a PCI device, by where it is and what it is.
public struct PCIFunction: Hashable, Sendable, Codable {
    public var address: PCIAddress
    /// Vendor and device id, such as `10de:2330`.
    public var pciID: String
    /// The subsystem's vendor and device id, such as `10de:16c1`.
    public var subsystemID: String
    /// Base class and subclass, such as `0302` for a 3D controller (PCI Code and ID Assignment Specification, 1).
    public var classCode: String

    public init(address: PCIAddress, pciID: String, subsystemID: String, classCode: String) {
        (self.address, self.pciID, self.subsystemID, self.classCode) = (address, pciID, subsystemID, classCode)
    }

    private enum CodingKeys: String, CodingKey {
        case address
        case pciID = "pci_id"
        case subsystemID = "subsystem_id"
        case classCode = "class"
    }
}
