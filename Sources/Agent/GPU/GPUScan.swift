// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// Looks for the GPUs that a host can give to guests.
package struct GPUScan: Sendable {
    let root: String
    private let policy: GPUPolicy
    private let uplink: String?
    let names: PCINames
    /// What guests can address here.
    let space: GuestAddressSpace

    /// Reads what devices are called, once. Blocks.
    ///
    /// - Parameters:
    ///   - root: `/` for this host; a directory for one that was recorded.
    ///   - policy: Which GPUs are offered.
    ///   - uplink: The network device of floating IPs, which no guest gets.
    ///   - virtType: How guests run.
    package init(root: String = "/", policy: GPUPolicy, uplink: String? = nil, virtType: VirtType = .kvm) {
        (self.root, self.policy, self.uplink) = (root, policy, uplink)
        names = PCINames(root: root)
        space = GuestAddressSpace(HostTree(root: root), virtType: virtType)
    }

    /// All units by their first GPU's address, those too that cannot be used. Blocks.
    ///
    /// - Parameter incidents: What the kernel's log says against devices.
    /// - Returns: one for each group that has an offered GPU.
    /// - Throws: when the host's devices cannot be read.
    package func units(incidents: [PCIAddress: KernelIncident] = [:]) throws(Fault) -> [GPUUnit] {
        let devices = try PCIBus(root: root).devices()
        let uses = HostUses(HostTree(root: root)).uses(of: devices, uplink: uplink)
        let health = PCIHealth(devices: devices, incidents: incidents)
        return Dictionary(grouping: devices, by: Sharing.init).values
            .compactMap { unit($0, uses, health) }
            .sorted { $0.gpus[0].address < $1.gpus[0].address }
    }

    private func unit(_ members: [PCIDevice], _ uses: [PCIAddress: String], _ health: PCIHealth) -> GPUUnit? {
        let gpus = members.filter(policy.offers)
        guard let first = gpus.first else { return nil }
        let functions = members.filter { !$0.isBridge }
        let model = names.name(first.pciID) ?? first.pciID
        return GPUUnit(
            gpus: gpus,
            functions: functions,
            iommuGroup: first.iommuGroup,
            model: model,
            gpuType: policy.gpuType(of: first, model: model),
            obstacle: obstacle(members, gpus, uses),
            concern: functions.lazy.compactMap(health.concern).first,
            incidents: functions.flatMap(health.incidents)
        )
    }

    private func obstacle(_ members: [PCIDevice], _ gpus: [PCIDevice], _ uses: [PCIAddress: String]) -> String? {
        let iommu = IOMMU(root: root)
        guard let group = members[0].iommuGroup else { return "The IOMMU is off; \(iommu.advice)." }
        guard !iommu.isFake(group) else {
            return "Its IOMMU group \(group) has no IOMMU; \(iommu.advice), and turn VFIO's no-IOMMU mode off."
        }
        for member in members {
            guard let reason = uses[member.address] ?? reasonToStay(member) else { continue }
            let whose = gpus.contains(member) ? "" : ", in the same IOMMU group \(group),"
            return "\(member.address)\(whose) \(reason)."
        }
        return reach(members.filter { !$0.isBridge }, iommu)
    }

    /// Why a guest could not reach its regions, or its DMA not the guest.
    private func reach(_ functions: [PCIDevice], _ iommu: IOMMU) -> String? {
        if let needed = space.windowBits {
            for function in functions {
                guard let bits = iommu.addressBits(of: function.address), bits < needed else { continue }
                return "\(function.address) is behind an IOMMU that maps addresses of \(bits) bits, and guests use "
                    + "\(needed)."
            }
        }
        let bytes = space.bytes(of: functions)
        guard bytes > space.windowBytes else { return nil }
        return "Its regions take \(gibibytes(bytes)), and guests here have \(gibibytes(space.windowBytes)) for such."
    }

    private func reasonToStay(_ device: PCIDevice) -> String? {
        if policy.denies(device) { return "is denied by gpu.deny" }
        if device.virtualFunctions > 0 { return "has \(device.virtualFunctions) virtual functions switched on" }
        // While a group is a guest's, no driver but these may do DMA in it (kernel, `Documentation/driver-api/vfio.rst`).
        if device.isBridge, let driver = device.driver, !["pcieport", "vfio-pci", "pci-stub"].contains(driver) {
            return "is a bridge with the driver \(driver), beside which no guest may use the group"
        }
        return nil
    }
}

/// What goes to a guest together: the members of an IOMMU group or, without groups, the functions of a device.
enum Sharing: Hashable {
    case group(Int)
    case slot(domain: UInt32, bus: UInt8, device: UInt8)

    init(_ device: PCIDevice) {
        let address = device.address
        self =
            device.iommuGroup.map { .group($0) }
            ?? .slot(domain: address.domain, bus: address.bus, device: address.device)
    }
}
