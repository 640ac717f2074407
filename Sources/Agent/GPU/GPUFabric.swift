// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Settings

/// The NVSwitches between the host's GPUs, of which Fabric Manager decides who reaches whom.
///
/// What is active is asked of Fabric Manager each time and remembered nowhere: it forgets with the host's boot, and an
/// agent may end between its own word and what came of it.
package struct GPUFabric: Sendable {
    private let manager: any FabricManager
    private let modules: [Int: PCIAddress]

    /// - Parameters:
    ///   - manager: The host's Fabric Manager.
    ///   - modules: Where the baseboard's modules are, of which it does not say it.
    package init(manager: any FabricManager, modules: [Int: PCIAddress]) {
        (self.manager, self.modules) = (manager, modules)
    }

    func look(at units: [GPUUnit]) async throws(Fault) -> FabricLook {
        try FabricLook(try await manager.partitions(), modules: modules, units: units)
    }

    /// Connects units to each other, unless they are.
    ///
    /// - Parameters:
    ///   - wanted: The units of one machine.
    ///   - units: All units of the host.
    /// - Throws: why they cannot be, for operators.
    func activate(_ wanted: [PCIAddress], among units: [GPUUnit]) async throws(Fault) {
        let look = try await look(at: units)
        guard let partition = look.partition(of: wanted) else {
            let names = wanted.map { "\($0)" }.joined(separator: ", ")
            throw Fault(.hostGPUUnavailable, "Fabric Manager has no partition of \(names) and no others.")
        }
        guard !partition.isActive else { return }
        if let other = look.active(with: wanted).first {
            throw Fault(
                .hostGPUUnavailable,
                "Partition \(other.id) of Fabric Manager is active and has GPUs of partition \(partition.id), which a "
                    + "machine is to have; it is none of a machine's, and fmpm -d \(other.id) ends it."
            )
        }
        do throws(Fault) {
            try await manager.activate(partition.id)
        } catch {
            guard await isActive(partition.id, units) == true else { throw error }
        }
    }

    /// Cuts a partition's units off from each other, unless they are.
    func deactivate(_ id: Int, among units: [GPUUnit]) async throws(Fault) {
        do throws(Fault) {
            try await manager.deactivate(id)
        } catch {
            guard await isActive(id, units) == false else { throw error }
        }
    }

    private func isActive(_ id: Int, _ units: [GPUUnit]) async -> Bool? {
        try? await look(at: units).partitions.first { $0.id == id }?.isActive
    }
}

extension GPUFabric {
    /// What the keys `gpu.fabric_manager` and `gpu.fabric_modules` say; nil for a host without Fabric Manager.
    package init?(_ settings: SettingsReader) {
        let modules = Self.modules(settings)
        let program = settings.parsed("gpu.fabric_manager") { text in
            guard text.hasPrefix("/") else {
                throw InvalidValue("“\(text)” is no whole path; write that of fmpm, from “/” on.")
            }
            return text
        }
        guard let program else { return nil }
        self.init(manager: FabricManagerCommand(program: program), modules: modules)
    }

    private static func modules(_ settings: SettingsReader) -> [Int: PCIAddress] {
        var modules: [Int: PCIAddress] = [:]
        _ = settings.list("gpu.fabric_modules") { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let module = Int(parts[0]), let address = try? PCIAddress(parts[1]) else {
                throw InvalidValue(
                    "“\(text)” is no module of a baseboard; write MODULE=ADDRESS, such as 1=0000:1b:00.0, as "
                        + "Packaging/gpu/modules prints it."
                )
            }
            guard modules[module] == nil, !modules.values.contains(address) else {
                throw InvalidValue("“\(text)” names a module or an address a second time.")
            }
            modules[module] = address
        }
        return modules
    }
}
