// SPDX-License-Identifier: Apache-2.0

import GantryModel

extension GPUChecks {
    /// Whether Fabric Manager answers, and what its partitions are here.
    func fabricFindings(_ units: [GPUUnit], _ devices: [PCIDevice]) async -> [HostChecks.Finding] {
        guard let fabric else { return unmanaged(devices) }
        do throws(Fault) {
            let look = try await fabric.look(at: units)
            let answer = HostChecks.Finding(
                subject: "Fabric Manager",
                severity: look.partitions.isEmpty ? .error : .ok,
                text: "answers, with \(look.partitions.count) partitions"
            )
            let obstacles = units.compactMap { unit in
                look.obstacle(of: unit)
                    .map { HostChecks.Finding(subject: "GPU \(unit.address)", severity: .warning, text: $0) }
            }
            return [answer] + look.partitions.map(finding) + obstacles
        } catch {
            return [HostChecks.Finding(subject: "Fabric Manager", severity: .error, text: error.message)]
        }
    }

    private func finding(_ partition: FabricLook.Partition) -> HostChecks.Finding {
        let (subject, units) = ("partition \(partition.id)", partition.units.map { "\($0)" }.joined(separator: ", "))
        guard partition.isWhole else {
            return HostChecks.Finding(
                subject: subject,
                severity: .warning,
                text: "goes to no guest, since not all of its GPUs are offered and in gpu.fabric_modules; known of it: "
                    + (units.isEmpty ? "none" : units)
            )
        }
        let state = partition.isActive ? "active" : "not active"
        return HostChecks.Finding(subject: subject, severity: .ok, text: "\(state): \(units)")
    }

    /// NVSwitches are bridges of no further kind (PCI Code and ID Assignment Specification, 1.7), NVIDIA's own.
    private func unmanaged(_ devices: [PCIDevice]) -> [HostChecks.Finding] {
        let count = devices.filter { $0.classCode == "0680" && $0.vendorID == "10de" }.count
        guard count > 0 else { return [] }
        return [
            HostChecks.Finding(
                subject: "NVSwitches",
                severity: .warning,
                text:
                    "\(count), but gpu.fabric_manager is not set, so that no guest's GPUs reach each other by NVLink; "
                    + "start Fabric Manager in its shared NVSwitch mode"
            )
        ]
    }
}
