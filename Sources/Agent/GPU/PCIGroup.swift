// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// An IOMMU group that has a GPU, with what is to be said of it to the operator.
package struct PCIGroup: Sendable, Encodable {
    package struct Member: Sendable, Encodable {
        let address: PCIAddress
        let id: String
        let classCode: String
        let name: String?
        let driver: String?

        private enum CodingKeys: String, CodingKey {
            case address
            case id = "pci_id"
            case classCode = "class"
            case name
            case driver
        }
    }

    /// Nil where there is no IOMMU.
    let number: Int?
    /// The flavor's `gpu_type` when guests can have it.
    let gpuType: String?
    let verdict: String
    let members: [Member]

    private enum CodingKeys: String, CodingKey {
        case number = "iommu_group"
        case gpuType = "gpu_type"
        case verdict
        case members
    }

    /// The group as lines of a tree, its verdict first.
    package var tree: String {
        let title = number.map { "IOMMU group \($0)" } ?? "No IOMMU group"
        let lines = members.enumerated()
            .map { index, member in
                let branch = index == members.count - 1 ? "└─" : "├─"
                let name = member.name.map { " \($0)" } ?? ""
                return "\(branch) \(member.address) [\(member.classCode)]\(name) (\(member.id)), "
                    + (member.driver.map { "driver \($0)" } ?? "no driver")
            }
        return (["\(title): \(verdict)"] + lines).joined(separator: "\n")
    }
}

extension GPUScan {
    /// All groups with a GPU of whatever vendor, offered or not, by address. Blocks.
    package func groups() throws(Fault) -> [PCIGroup] {
        let units = try units()
        let devices = try PCIBus(root: root).devices()
        return Dictionary(grouping: devices, by: Sharing.init).values
            .filter { $0.contains(where: \.isGPU) }
            .sorted { $0[0].address < $1[0].address }
            .map { members in
                let unit = units.first { members.contains($0.gpus[0]) }
                return PCIGroup(
                    number: members[0].iommuGroup,
                    gpuType: unit.flatMap { $0.obstacle == nil ? $0.gpuType : nil },
                    verdict: verdict(unit),
                    members: members.map(member)
                )
            }
    }

    private func verdict(_ unit: GPUUnit?) -> String {
        guard let unit else { return "not offered to guests, by gpu.allow and gpu.deny." }
        if let obstacle = unit.obstacle { return "stays with the host. \(obstacle)" }
        return "goes to a guest whole, as \(unit.gpuType).\(unit.concern.map { " \($0)" } ?? "")"
    }

    private func member(_ device: PCIDevice) -> PCIGroup.Member {
        PCIGroup.Member(
            address: device.address,
            id: device.pciID,
            classCode: device.classCode,
            name: names.name(device.pciID),
            driver: device.driver
        )
    }
}
