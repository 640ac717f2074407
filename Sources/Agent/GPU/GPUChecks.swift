// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel

/// What a host needs to give its GPUs to guests, looked at one by one.
package struct GPUChecks: Sendable {
    private typealias Finding = HostChecks.Finding

    private let root: String
    private let tree: HostTree
    private let scan: GPUScan
    private let quirks: GPUQuirks
    let fabric: GPUFabric?

    /// - Parameters:
    ///   - root: `/` for this host; a directory for one that was recorded.
    ///   - policy: Which GPUs are offered.
    ///   - quirks: What they need of guests.
    ///   - uplink: The network device of floating IPs.
    ///   - fabric: The switches between the GPUs; nil for none.
    ///   - virtType: How guests run.
    package init(
        root: String = "/",
        policy: GPUPolicy,
        quirks: GPUQuirks = GPUQuirks(),
        uplink: String?,
        fabric: GPUFabric? = nil,
        virtType: VirtType = .kvm
    ) {
        (self.root, tree, self.quirks, self.fabric) = (root, HostTree(root: root), quirks, fabric)
        scan = GPUScan(root: root, policy: policy, uplink: uplink, virtType: virtType)
    }

    /// What was looked at, the good too. Without a GPU that is offered there is little to look at. Blocks.
    package func run() async throws(Fault) -> [HostChecks.Finding] {
        let units = try scan.units()
        guard !units.isEmpty else { return [iommu(isNeeded: false), none] }
        let devices = try PCIBus(root: root).devices()
        let fabric = await fabricFindings(units, devices)
        return [iommu(isNeeded: true)] + units.map(unit) + sharing(units, devices) + fabric + framebuffers(units)
            + [addresses(units), hugePages, lockedMemory, firmware, module, names]
    }

    /// The groups that have GPUs. Blocks.
    package func groups() throws(Fault) -> [PCIGroup] { try scan.groups() }

    private var none: Finding {
        Finding(subject: "GPUs", severity: .ok, text: "none that gpu.allow and gpu.deny offer to guests")
    }

    private func iommu(isNeeded: Bool) -> Finding {
        let iommu = IOMMU(root: root)
        if iommu.groupCount > 0 {
            return Finding(subject: "IOMMU", severity: .ok, text: "on, with \(iommu.groupCount) groups")
        }
        return isNeeded
            ? Finding(
                subject: "IOMMU",
                severity: .error,
                text: "off, so no GPU can be passed through; \(iommu.advice)"
            )
            : Finding(subject: "IOMMU", severity: .ok, text: "off, which matters to no GPU here")
    }

    private func unit(_ unit: GPUUnit) -> Finding {
        Finding(
            subject: "GPU \(unit.gpus[0].address)",
            severity: unit.obstacle == nil && unit.concern == nil ? .ok : .warning,
            text: unit.obstacle ?? unit.concern ?? "\(unit.model), for flavors with \(unit.gpuType)\(ways(of: unit))"
        )
    }

    /// The quirks that its guests are made with.
    private func ways(of unit: GPUUnit) -> String {
        let quirks = Set(unit.gpus.flatMap { self.quirks.quirks(of: $0.function) })
        return quirks.isEmpty ? "" : ", with " + quirks.map(\.rawValue).sorted().joined(separator: ", ")
    }

    /// Whether one guest could have all units. Where it could not, a flavor may ask for more than fit.
    private func addresses(_ units: [GPUUnit]) -> Finding {
        let usable = units.filter { $0.obstacle == nil }
        let (needed, window) = (scan.space.bytes(of: usable.flatMap(\.functions)), scan.space.windowBytes)
        let text = "\(gibibytes(window)) for GPUs' regions; those of all usable GPUs together take \(gibibytes(needed))"
        return needed <= window
            ? Finding(subject: "guest addresses", severity: .ok, text: text)
            : Finding(
                subject: "guest addresses",
                severity: .warning,
                text: text + ", which no guest can have; offer flavors with fewer GPUs each"
            )
    }

    /// Devices of several slots share a group when a port between them could let them reach each other past the IOMMU.
    private func sharing(_ units: [GPUUnit], _ devices: [PCIDevice]) -> [Finding] {
        guard units.contains(where: { $0.iommuGroup != nil }) else { return [] }
        let sharing = units.filter { unit in
            Set(unit.functions.map { "\($0.address)".dropLast(2) }).count > 1
        }
        guard !sharing.isEmpty else {
            return [Finding(subject: "ACS", severity: .ok, text: "each GPU's slot is apart from the others")]
        }
        return sharing.map { unit in
            let port = "\(commonPort(of: unit.functions, devices).map { "\($0)" } ?? "their root ports")"
            return Finding(
                subject: "ACS",
                severity: .warning,
                text: "group \(unit.iommuGroup ?? 0) has the devices of several slots, which only go together: below "
                    + "\(port) there is no access control (ACS); turn ACS on in the firmware, or use other slots"
            )
        }
    }

    /// The bridge that is nearest to all of the devices; nil where they have but a root bus in common.
    private func commonPort(of functions: [PCIDevice], _ devices: [PCIDevice]) -> PCIAddress? {
        let known = Dictionary(uniqueKeysWithValues: devices.map { ($0.address, $0) })
        let paths = functions.map { Array(sequence(first: $0) { $0.parent.flatMap { known[$0] } }.map(\.address)) }
        return paths.first?.first { address in paths.allSatisfy { $0.dropFirst().contains(address) } }
    }

    /// Framebuffers of the firmware that the console still writes to. VFIO cannot have such a region.
    private func framebuffers(_ units: [GPUUnit]) -> [Finding] {
        let functions = Set(units.flatMap(\.functions).map(\.address))
        let held = FirmwareFramebuffer.all(in: tree.lines("/proc/iomem")).filter { functions.contains($0.device) }
        guard !held.isEmpty else {
            return [Finding(subject: "console", severity: .ok, text: "holds no region of a GPU")]
        }
        return held.map {
            Finding(
                subject: "console",
                severity: .warning,
                text: "\($0.name) holds a region of \($0.device); boot with initcall_blacklist=sysfb_init, before "
                    + "kernel 5.15 with video=efifb:off, or let the firmware use another display"
            )
        }
    }

    private var hugePages: Finding {
        let directory = "/sys/kernel/mm/hugepages"
        let pools = tree.names(directory)
            .compactMap { name -> String? in
                let count = tree.number("\(directory)/\(name)/nr_hugepages") ?? 0
                let free = tree.number("\(directory)/\(name)/free_hugepages") ?? 0
                return count > 0 ? "\(count) of \(name.split(separator: "-").last ?? ""), \(free) free" : nil
            }
        let text = pools.isEmpty ? "none reserved" : pools.joined(separator: "; ")
        return Finding(subject: "huge pages", severity: .ok, text: text)
    }

    /// A guest with a GPU has all its memory locked. libvirt raises QEMU's limit where it may.
    private var lockedMemory: Finding {
        let limit = tree.lines("/proc/self/limits").first { $0.hasPrefix("Max locked memory") }
        let capabilities = tree.lines("/proc/self/status").first { $0.hasPrefix("CapEff:") }
        let mask = capabilities?.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) }
        guard let limit, let mask else {
            return Finding(subject: "locked memory", severity: .ok, text: "unknown of a recorded host")
        }
        let isRaisable = mask & (1 << Self.systemResource) != 0
        return isRaisable || limit.contains(/unlimited +unlimited/)
            ? Finding(subject: "locked memory", severity: .ok, text: "can be raised for each guest")
            : Finding(
                subject: "locked memory",
                severity: .warning,
                text: "limited, and may not be raised here (CAP_SYS_RESOURCE); if libvirt may not either, set "
                    + "LimitMEMLOCK=infinity for it"
            )
    }

    /// `CAP_SYS_RESOURCE` (capabilities(7)).
    private static let systemResource = 24

    private var firmware: Finding {
        let isThere = tree.names("/usr/share/OVMF").contains { $0.hasPrefix("OVMF_CODE") }
        return isThere
            ? Finding(subject: "OVMF", severity: .ok, text: "installed")
            : Finding(subject: "OVMF", severity: .error, text: "missing; install Debian's ovmf")
    }

    private var module: Finding {
        if tree.exists("/sys/module/vfio_pci") {
            return Finding(subject: "vfio-pci", severity: .ok, text: "loaded")
        }
        let modules = "/lib/modules/\(tree.text("/proc/sys/kernel/osrelease") ?? "")"
        let isThere = ["modules.dep", "modules.builtin"]
            .contains { list in
                tree.text("\(modules)/\(list)")?.contains("/vfio-pci.ko") == true
            }
        return isThere
            ? Finding(subject: "vfio-pci", severity: .ok, text: "can be loaded")
            : Finding(
                subject: "vfio-pci",
                severity: .error,
                text: "the kernel has no module vfio-pci; use Debian's own"
            )
    }

    private var names: Finding {
        tree.exists("/usr/share/misc/pci.ids")
            ? Finding(subject: "pci.ids", severity: .ok, text: "installed")
            : Finding(
                subject: "pci.ids",
                severity: .warning,
                text: "missing, so GPUs are told by number; install Debian's pci.ids"
            )
    }
}

/// A framebuffer that the firmware left in a region of a device.
struct FirmwareFramebuffer: Hashable {
    /// What the kernel calls it, such as `BOOTFB`.
    let name: String
    let device: PCIAddress

    private static let names: Set = ["BOOTFB", "efifb", "simplefb", "simple-framebuffer", "vesafb"]

    /// Those in the lines of `/proc/iomem`, in which what is inside of another region is indented below it.
    static func all(in lines: [Substring]) -> [FirmwareFramebuffer] {
        var outer: [String] = []
        return lines.compactMap { line in
            let depth = line.prefix { $0 == " " }.count / 2
            guard let colon = line.range(of: " : ") else { return nil }
            let name = String(line[colon.upperBound...])
            outer = Array(outer.prefix(depth)) + [name]
            guard names.contains(name) else { return nil }
            return outer.reversed().lazy.compactMap { try? PCIAddress($0) }.first
                .map {
                    FirmwareFramebuffer(name: name, device: $0)
                }
        }
    }
}
