// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
import Libvirt
package import Logging

/// The real side of ``Host``: libvirt, QEMU, nftables and files.
package struct LinuxHost: Host {
    package let hypervisor: Hypervisor
    package let network: HostNetwork
    let consoles: Consoles
    let images: ImageCache
    let pools: StoragePools
    let gpus: GPUKeeper
    /// Nil for none.
    let store: ImageStoreClient?
    /// Where copies are made.
    let snapshotsDirectory: String
    let files = FileWorker(name: "files")
    private let machinesDirectory: String
    private let virtType: VirtType
    private let reserved: Resources
    private let quirks: GPUQuirks
    private let hugePages: HugePages
    let logger: Logger

    package init(
        hypervisor: Hypervisor,
        network: HostNetwork,
        consoles: Consoles,
        images: ImageCache,
        pools: StoragePools,
        gpus: GPUKeeper,
        store: ImageStoreClient? = nil,
        machinesDirectory: String,
        snapshotsDirectory: String = "/nonexistent",
        virtType: VirtType,
        reserved: Resources,
        quirks: GPUQuirks = GPUQuirks(),
        hugePages: HugePages = .ordinary,
        logger: Logger
    ) {
        (self.hypervisor, self.network, self.consoles) = (hypervisor, network, consoles)
        (self.images, self.pools, self.gpus, self.store) = (images, pools, gpus, store)
        (self.machinesDirectory, self.snapshotsDirectory) = (machinesDirectory, snapshotsDirectory)
        self.virtType = virtType
        (self.reserved, self.quirks, self.hugePages, self.logger) = (reserved, quirks, hugePages, logger)
    }

    // MARK: - Looking

    package func domains() async throws(Fault) -> [ObservedDomain] {
        try await looked { connection in
            try await connection.domains(namespace: MachineMark.namespace).compactMap(Self.observed)
        }
    }

    package func domain(_ uuid: MachineUUID) async throws(Fault) -> ObservedDomain? {
        try await looked { connection in
            try await connection.domain("\(uuid)", namespace: MachineMark.namespace).flatMap(Self.observed)
        }
    }

    private static func observed(_ domain: DomainInfo) -> ObservedDomain? {
        guard let uuid = try? MachineUUID(domain.uuid), let mark = MachineMark(element: domain.metadata) else {
            return nil
        }
        return ObservedDomain(uuid: uuid, mark: mark, state: state(domain.state))
    }

    private static func state(_ state: DomainState) -> ObservedDomain.State {
        switch state {
        case .running, .shuttingDown, .paused(.starting): .running
        case .paused(.ioError):
            .paused("The guest is held because its disk cannot be written; the node's disk may be full.")
        case .paused(.other): .paused("The guest is held by the node's operator.")
        case .shutOff(.shutdown): .shutDown
        case .shutOff(.crashed), .crashed: .crashed
        case .shutOff(.destroyed), .shutOff(.failed), .shutOff(.unknown), .other: .off
        }
    }

    package func machinesWithFiles() async -> Set<MachineUUID> {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: machinesDirectory)) ?? []
        return Set(names.compactMap { try? MachineUUID($0) })
    }

    package func inventory() async throws(Fault) -> NodeInventory {
        NodeInventory(
            total: HostCapacity.total(directory: machinesDirectory, hugePages: hugePages),
            reserved: reserved,
            memoryPageMiB: hugePages.pageMiB,
            virtType: virtType.rawValue,
            hypervisorVersion: try await looked { connection in try await connection.version() },
            agentVersion: GantryVersion.current,
            gpus: try await gpus.inventory(),
            fabricPartitions: try await gpus.fabricPartitions(),
            storagePools: await pools.inventory()
        )
    }

    private func looked<Value>(_ look: (LibvirtConnection) async throws -> Value) async throws(Fault) -> Value {
        let connection = try await hypervisor.connected(to: .look)
        do {
            return try await look(connection)
        } catch {
            throw fault(from: error, .hypervisorUnreachable, "The node's hypervisor does not answer.")
        }
    }

    package func problems() async -> [String] {
        let free = HostCapacity.freeBytes(machinesDirectory)
        let disk = free < HostCapacity.leastFree ? ["Less than 1 GiB is free below \(machinesDirectory)."] : []
        return await disk + network.problems
    }

    package var changes: AsyncStream<MachineUUID?> {
        let events = hypervisor.events
        return AsyncStream(bufferingPolicy: .bufferingNewest(1000)) { continuation in
            let task = Task {
                for await event in events {
                    switch event {
                    case .domainChanged(let uuid): continuation.yield(try? MachineUUID(uuid))
                    case .connectionLost: continuation.yield(nil)
                    }
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    package func restore(_ tasks: [MachineTask]) async {
        await network.restore(tasks)
    }

    package func maintain(floatingIPPools: [Subnet]) async {
        await network.maintain(floatingIPPools)
    }

    // MARK: - Doing

    func machineFiles(_ uuid: MachineUUID) -> MachineFiles {
        MachineFiles(directory: "\(machinesDirectory)/\(uuid)")
    }

    package func perform(
        _ step: ConvergenceStep,
        for task: MachineTask,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault) {
        let files = machineFiles(task.uuid)
        switch step {
        case .image, .overlay, .seed, .define: try await build(step, task, files, progress)
        case .volumes: try await makeVolumes(of: task, progress)
        case .plug: try await plugVolumes(of: task)
        case .bind: try await gpus.bind(task.spec?.gpus ?? [], to: task.uuid)
        case .network: try await networked { try await network.attach(task) }
        case .filter: try await networked { try await network.admit(task) }
        case .unfilter: try await networked { try await network.dismiss(task.uuid) }
        case .unlink:
            try await networked { try await network.detach(task.uuid, from: task.spec?.network) }
        case .start, .shutDown, .destroy, .undefine: try await power(step, task)
        case .remove: try await self.files.run { () async throws(Fault) in try HostFiles.remove(files.directory) }
        case .journal, .acknowledge, .settle, .report, .forget: return
        }
    }

    private func build(
        _ step: ConvergenceStep,
        _ task: MachineTask,
        _ files: MachineFiles,
        _ progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault) {
        guard let spec = task.spec else { throw Fault(.specUnsupported, "The task holds no specification.") }
        let imagePath = images.path(of: spec.image)
        switch step {
        // A machine that boots from a volume has no other disk.
        case .image where spec.rootVolume != nil, .overlay where spec.rootVolume != nil: return
        case .image: try await images.ensure(spec.image, diskGiB: spec.resources.diskGiB, progress: progress)
        case .overlay, .seed:
            try await self.files.run { () async throws(Fault) in
                try HostFiles.makeDirectory(files.directory, mode: 0o711)
                switch step {
                case .overlay: try await Overlay.ensure(spec, at: files.overlay, over: imagePath)
                default: try await Seed.write(spec, uuid: task.uuid, at: files.seed)
                }
            }
        default:
            let xml = DomainXML(
                task,
                spec,
                files: files,
                imagePath: imagePath,
                virtType: virtType,
                disks: try disks(of: spec),
                numaNode: try await gpus.numaNode(of: spec.gpus).flatMap { HostCapacity.numaNode($0) },
                quirks: quirks,
                hugePages: hugePages
            )
            .xml.text
            let connection = try await hypervisor.connected(to: .change)
            try await hypervised { try await connection.defineDomain(xml: xml) }
        }
    }

    /// The volumes as disks of the definition.
    private func disks(of spec: MachineSpec) throws(Fault) -> [VolumeDisk] {
        var (disks, targets) = ([VolumeDisk](), VolumeDisk.targets[...])
        for volume in spec.volumes {
            guard let target = volume.isRoot ? VolumeDisk.rootTarget : targets.popFirst() else {
                throw Fault(.specUnsupported, "A machine can have \(VolumeDisk.maximumCount) volumes.")
            }
            let path = try pools.pool(volume.pool).path(of: volume.uuid)
            disks.append(VolumeDisk(volume.uuid, at: path, target: target))
        }
        return disks
    }

    private func power(_ step: ConvergenceStep, _ task: MachineTask) async throws(Fault) {
        let (connection, uuid) = (try await hypervisor.connected(to: .change), "\(task.uuid)")
        try await hypervised {
            switch step {
            case .start: try await hypervisor.withOwnConnection { try await $0.startDomain(uuid) }
            case .shutDown: try await absentIsFine { try await shutDown(connection, uuid) }
            case .destroy: try await absentIsFine { try await connection.destroyDomain(uuid) }
            default: try await connection.undefineDomain(uuid)
            }
        }
    }

    /// The power button, again while the guest does not seem to notice, as it does not while it boots; after a minute the
    /// plug.
    private func shutDown(_ connection: LibvirtConnection, _ uuid: String) async throws {
        for _ in 1...12 {
            try await connection.shutDownDomain(uuid)
            for _ in 1...20 {
                if case .shutOff = try await connection.domainState(uuid) { return }
                try await Task.sleep(for: .milliseconds(250))
            }
        }
        try await connection.destroyDomain(uuid)
    }

    // MARK: - Faults

    private func absentIsFine(_ work: () async throws -> Void) async throws {
        do {
            try await work()
        } catch let error as LibvirtError where error.isNotFound {
            return
        }
    }

    private func hypervised(_ work: () async throws -> Void) async throws(Fault) {
        do {
            try await work()
        } catch {
            throw fault(from: error, .hypervisorRefused, "The node's hypervisor could not do it.")
        }
    }

    private func networked(_ work: () async throws -> Void) async throws(Fault) {
        do {
            try await work()
        } catch {
            throw fault(from: error, .hostNetworkFailed, "The node's network could not be set up.")
        }
    }

    /// The tenant reads a sentence; the operator reads the cause in the log.
    func fault(from error: any Error, _ code: Fault.Code, _ message: String) -> Fault {
        if let fault = error as? Fault { return fault }
        logger.error("A step failed on the host", metadata: ["error": "\(error)", "fault": "\(code.rawValue)"])
        if let error = error as? LibvirtError, error.isConnectionLost {
            return Fault(.hypervisorUnreachable, "The node's hypervisor does not answer.")
        }
        return Fault(code, message)
    }
}
