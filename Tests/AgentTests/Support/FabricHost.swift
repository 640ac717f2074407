// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport

/// The recorded HGX H100 with the stand-in for `fmpm` (`Fixtures/fmpm`), whose partitions are a real one's. Nothing moves
/// drivers here, so that its GPUs have `vfio-pci` from the start.
struct FabricHost {
    /// Where the baseboard's modules are, out of the order of their addresses as on real hosts.
    static let modules = [1: "9d", 2: "ae", 3: "bd", 4: "de", 5: "1b", 6: "3d", 7: "2d", 8: "60"]

    let root: String
    let units: [GPUUnit]
    private let folder: String

    static func with(_ body: (FabricHost) async throws -> Void) async throws {
        // In memory: a ledger waits for its disk at every step.
        let root = "/dev/shm/gantry-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        try await unpackHost("hgx-h100", below: root)
        try await body(FabricHost(root: root))
    }

    private init(root: String) throws {
        (self.root, folder) = (root, "\(root)/gantry")
        let (files, devices) = (FileManager.default, "\(root)/sys/bus/pci/devices")
        let driver = "\(root)/sys/bus/pci/drivers/vfio-pci"
        for path in [folder, driver] { try files.createDirectory(atPath: path, withIntermediateDirectories: true) }
        try files.createSymbolicLink(
            atPath: "\(folder)/fmpm",
            withDestinationPath: Repository.path("Tests/AgentTests/Fixtures/fmpm")
        )
        for bus in Self.modules.values {
            let device = "\(devices)/0000:\(bus):00.0"
            try? files.removeItem(atPath: "\(device)/driver")
            try files.createSymbolicLink(atPath: "\(device)/driver", withDestinationPath: driver)
            for name in ["driver_override", "reset"] { try Data().write(to: URL(filePath: "\(device)/\(name)")) }
            try Data("16\n".utf8).write(to: URL(filePath: "\(device)/current_link_width"))
        }
        for file in ["\(driver)/unbind", "\(root)/sys/bus/pci/drivers_probe"] {
            try Data().write(to: URL(filePath: file))
        }
        units = try GPUScan(root: root, policy: GPUPolicy()).units()
    }

    var program: String { "\(folder)/fmpm" }

    var addresses: [Int: PCIAddress] {
        get throws { try Self.modules.mapValues { try PCIAddress("0000:\($0):00.0") } }
    }

    var command: FabricManagerCommand { FabricManagerCommand(program: program, deadline: .seconds(5)) }

    /// An agent's part for GPUs, as if the agent started, in one of the host's boots.
    func keeper(_ manager: (any FabricManager)? = nil, boot: String = "first") throws -> GPUKeeper {
        GPUKeeper(
            scan: GPUScan(root: root, policy: GPUPolicy()),
            kernelLog: KernelLog(boot: boot),
            root: root,
            ledger: GPULedger(path: "\(folder)/gpus.json"),
            hook: nil,
            returnsDrivers: true,
            fabric: GPUFabric(manager: manager ?? command, modules: try addresses),
            lookPatience: .milliseconds(500),
            logger: Example.logger
        )
    }

    /// What a machine is given that has these modules.
    func assignments(_ modules: [Int], claim: Int64) throws -> [GPUAssignment] {
        let addresses = try addresses
        return modules.compactMap { module in
            guard let address = addresses[module], let unit = units.first(where: { $0.address == address }) else {
                return nil
            }
            return GPUAssignment(address: address, functions: unit.identity, claim: claim)
        }
    }

    /// Whether a unit was reset since this was asked last.
    func wasReset(_ gpu: GPUAssignment) throws -> Bool {
        let file = URL(filePath: "\(root)/sys/bus/pci/devices/\(gpu.address)/reset")
        defer { try? Data().write(to: file) }
        return try !Data(contentsOf: file).isEmpty
    }

    /// The active partitions.
    var active: [Int] { text("active").split(separator: "\n").compactMap { Int($0) } }

    /// What the program was called with, but for lists.
    var changes: [String] { text("log").split(separator: "\n").map(String.init).filter { $0 != "-l" } }

    /// How the next calls go wrong.
    func disturb(_ lines: String...) throws { try write("disturb", lines.joined(separator: "\n") + "\n") }

    /// What Fabric Manager keeps over no boot.
    func boot() throws { try write("active", "") }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: "\(folder)/fmpm.\(name)"))
    }

    private func text(_ name: String) -> String {
        (try? String(contentsOfFile: "\(folder)/fmpm.\(name)", encoding: .utf8)) ?? ""
    }

    /// A guest's process that has a module's group open; removed when the body ends.
    func withGuest(on module: Int, _ body: () async throws -> Void) async throws {
        let unit = units.first { $0.address.description == "0000:\(Self.modules[module] ?? ""):00.0" }
        let process = "\(root)/proc/4242"
        try FileManager.default.createDirectory(atPath: "\(process)/fd", withIntermediateDirectories: true)
        try Data("qemu\n".utf8).write(to: URL(filePath: "\(process)/comm"))
        try FileManager.default.createSymbolicLink(
            atPath: "\(process)/fd/9",
            withDestinationPath: "/dev/vfio/\(unit?.iommuGroup ?? 0)"
        )
        try await body()
        try FileManager.default.removeItem(atPath: process)
    }
}

/// A Fabric Manager whose agent ends at one moment: whoever asks does not come back.
actor DeadlyManager: FabricManager {
    enum Moment: CaseIterable { case beforeActivation, afterActivation, beforeDeactivation, afterDeactivation }

    private let manager: FabricManagerCommand
    private let moment: Moment
    private let (deaths, death) = AsyncStream.makeStream(of: Void.self)
    private let (nothing, end) = AsyncStream.makeStream(of: Void.self)

    init(_ manager: FabricManagerCommand, at moment: Moment) { (self.manager, self.moment) = (manager, moment) }

    /// Returns when the agent has ended.
    func waitForDeath() async { for await _ in deaths { return } }

    private func pass(_ moment: Moment) async {
        guard moment == self.moment else { return }
        death.yield()
        for await _ in nothing {}
    }

    func partitions() async throws(Fault) -> [ManagedPartition] { try await manager.partitions() }

    func activate(_ id: Int) async throws(Fault) {
        await pass(.beforeActivation)
        try await manager.activate(id)
        await pass(.afterActivation)
    }

    func deactivate(_ id: Int) async throws(Fault) {
        await pass(.beforeDeactivation)
        try await manager.deactivate(id)
        await pass(.afterDeactivation)
    }
}
