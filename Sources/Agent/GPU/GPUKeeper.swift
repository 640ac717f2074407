// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol
package import Logging

/// The host's GPUs: what they are, who has them, and what has to happen before another may.
///
/// Nothing here goes by what is remembered alone. A unit goes to a guest only when it is the one that was promised, when
/// nothing holds it, and when the ledger says that it was cleaned since its last use; and the ledger says that it is used
/// before it is.
package actor GPUKeeper {
    private let scan: GPUScan
    private let kernelLog: KernelLog
    private let cleaning: GPUCleaning
    private let binding: PCIBinding
    private let holders: DeviceHolders
    private let returnsDrivers: Bool
    private let fabric: GPUFabric?
    private let lookPatience: Duration
    private let logger: Logger
    private let files = FileWorker(name: "gpus")
    private let ledger: GPULedger
    /// A thread a unit: the kernel may not come back from a device, which holds up no other.
    private var workers: [PCIAddress: FileWorker] = [:]
    /// Units that are bound or cleaned now, one after the other.
    private var turns: [PCIAddress: AsyncSemaphore] = [:]
    /// The claims under which this agent gave units back to the host. One before it may have died in the middle of it.
    private var returned: [PCIAddress: Int64] = [:]
    /// What units that are to be cleaned, or returned, wait for, as sentences.
    private var waits: [PCIAddress: String] = [:]
    /// Looks at the devices that go on, and whether one of them has taken longer than it may.
    private var (scans, isScanLate) = (0, false)
    /// What was there at the last look.
    private var seen: HostGPUs?
    /// The partitions that Fabric Manager told of last.
    private var partitions: [FabricPartition] = []

    /// How long a look at the host's devices is good enough to tell of.
    private static let freshness = Duration.seconds(5)
    /// How long the kernel may take for one device.
    private static let patience = Duration.seconds(60)

    /// - Parameters:
    ///   - scan: Looks at the host's devices.
    ///   - kernelLog: What the kernel says against them.
    ///   - root: Where `/sys` and `/proc` are below.
    ///   - ledger: What became of each unit before.
    ///   - hook: The operator's own part of cleaning; nil for none.
    ///   - returnsDrivers: Whether a clean unit goes back to the driver that it had before.
    ///   - fabric: The switches between the units; nil for none.
    ///   - lookPatience: How long the kernel may take for a look at all devices, for which reports wait.
    ///   - logger: Gets what an operator may want to know.
    package init(
        scan: GPUScan,
        kernelLog: KernelLog = KernelLog(),
        root: String = "",
        ledger: GPULedger,
        hook: CleaningHook?,
        returnsDrivers: Bool,
        fabric: GPUFabric? = nil,
        lookPatience: Duration = .seconds(15),
        logger: Logger
    ) {
        (self.scan, self.kernelLog, self.ledger) = (scan, kernelLog, ledger)
        (self.returnsDrivers, self.fabric, self.logger) = (returnsDrivers, fabric, logger)
        self.lookPatience = lookPatience
        binding = PCIBinding(root: root)
        holders = DeviceHolders(root: root)
        cleaning = GPUCleaning(binding: binding, hook: hook)
    }

    // MARK: - Looking

    /// All units, those that cannot be passed through too. What cannot be looked at now is told as it was.
    package func inventory() async throws(Fault) -> [GPUInventory] {
        let host = try await look(fresh: false)
        var inventories: [GPUInventory] = []
        for unit in host.units { inventories.append(await inventory(unit, host)) }
        return inventories
    }

    /// The partitions that machines can have. While Fabric Manager does not answer they are as it said last.
    package func fabricPartitions() async throws(Fault) -> [FabricPartition] {
        _ = try await look(fresh: false)
        return partitions
    }

    private func look(fresh: Bool) async throws(Fault) -> HostGPUs {
        if !fresh, let seen, seen.at.duration(to: .now) < Self.freshness { return seen }
        do throws(Fault) {
            let units = try await scanned()
            let host = HostGPUs(units: units, fabric: await fabricLook(at: units), at: .now)
            seen = host
            return host
        } catch {
            logger.error("The host's devices cannot be looked at", metadata: ["error": "\(error)"])
            guard !fresh, let seen else { throw error }
            return seen
        }
    }

    /// The units as they are. A device that does not come back from its reset holds up the look at it, and nothing else.
    private func scanned() async throws(Fault) -> [GPUUnit] {
        let late = Fault(
            .hostGPUBusy,
            "The node's devices cannot be looked at: one of them does not come back from the kernel."
        )
        guard !isScanLate else { throw late }
        let (scan, incidents) = (scan, kernelLog.incidents)
        scans += 1
        do throws(Fault) {
            return try await files.run(within: lookPatience, orElse: late) { () async throws(Fault) in
                let result = Result { () throws(Fault) in try scan.units(incidents: incidents) }
                await self.noteScanEnd()
                return try result.get()
            }
        } catch {
            isScanLate = scans > 0
            throw error
        }
    }

    private func noteScanEnd() {
        scans -= 1
        if scans == 0 { isScanLate = false }
    }

    private func fabricLook(at units: [GPUUnit]) async -> Result<FabricLook, Fault>? {
        guard let fabric else { return nil }
        do throws(Fault) {
            let look = try await fabric.look(at: units)
            partitions = look.usable
            return .success(look)
        } catch {
            logger.error("Fabric Manager does not tell its partitions", metadata: ["error": "\(error)"])
            return .failure(error)
        }
    }

    private func inventory(_ unit: GPUUnit, _ host: HostGPUs) async -> GPUInventory {
        let entry = await ledger.entry(unit.address, unit.identity)
        var concern = unit.concern ?? incident(of: unit, after: entry?.heard)?.sentence
        if concern == nil, entry?.isUsed == true { concern = await disconnection(of: unit, host) }
        // A guest goes on without Fabric Manager (its user guide, “Resiliency”).
        let obstacle = entry?.isUsed == true ? unit.obstacle : host.obstacle(of: unit)
        var inventory = GPUInventory(
            address: unit.address,
            model: unit.model,
            gpuType: unit.gpuType,
            numaNode: unit.gpus[0].numaNode,
            iommuGroup: unit.iommuGroup,
            functions: unit.identity,
            condition: .busy,
            reason: obstacle ?? concern,
            claim: entry?.claim ?? 0
        )
        switch entry?.state {
        case _ where obstacle != nil: inventory.condition = .faulty
        case .cleaned where concern != nil: inventory.condition = .faulty
        case .cleaned(let how) where entry?.heard?.boot == kernelLog.boot:
            inventory.condition = .ready
            inventory.cleaning = how
        case .faulty(let reason):
            inventory.condition = .faulty
            inventory.reason = inventory.reason ?? reason
        case .cleaned, .used, .unclean, nil: inventory.reason = inventory.reason ?? waits[unit.address]
        }
        return inventory
    }

    /// What the kernel said against a unit since it was cleaned, whichever agent did that. A reset ends what was before.
    private func incident(of unit: GPUUnit, after place: KernelLog.Place?) -> KernelIncident? {
        unit.incidents.first { place?.precedes($0, of: kernelLog.boot) ?? true }
    }

    /// Why a guest's unit reaches no other; nil where it does, or where no guest runs on it.
    private func disconnection(of unit: GPUUnit, _ host: HostGPUs) async -> String? {
        guard case .success = host.fabric, host.connections(of: unit).isEmpty,
            let users = try? await processes(of: [unit]), !users.isEmpty
        else { return nil }
        return "Fabric Manager has no active partition with \(unit.address), as after a restart of its own; "
            + "stop and start the VM to have its GPUs connected again."
    }

    /// The NUMA node that all of a machine's GPUs are on; nil when they are on several, or the host does not say.
    package func numaNode(of gpus: [GPUAssignment]) async throws(Fault) -> Int? {
        guard !gpus.isEmpty else { return nil }
        let addresses = Set(gpus.map(\.address))
        let nodes = try await look(fresh: false).units.filter { addresses.contains($0.address) }
            .map { $0.gpus[0].numaNode }
        return Set(nodes).count == 1 ? nodes[0] : nil
    }

    // MARK: - Giving

    /// Gives a machine its units, again where it has them.
    ///
    /// - Throws: `host_gpu_unavailable` when one is not what was promised, cannot be cleaned, or cannot be had, and
    ///   `host_gpu_busy` when that may pass.
    package func bind(_ gpus: [GPUAssignment], to machine: MachineUUID) async throws(Fault) {
        try await checkRoom(for: gpus)
        // In one order, so that two machines cannot wait for each other.
        let gpus = gpus.sorted { $0.address < $1.address }
        try await inTurns(gpus.map(\.address)[...]) { () async throws(Fault) in
            try await self.bindNow(gpus, to: machine)
        }
    }

    /// Each unit fits by itself; together they may not.
    private func checkRoom(for gpus: [GPUAssignment]) async throws(Fault) {
        let addresses = Set(gpus.map(\.address))
        let units = try await look(fresh: false).units.filter { addresses.contains($0.address) }
        guard scan.space.bytes(of: units.flatMap(\.functions)) <= scan.space.windowBytes else {
            throw Fault(
                .hostGPUUnavailable,
                "The machine's GPUs together are more than a guest of the node can address."
            )
        }
    }

    private func bindNow(_ gpus: [GPUAssignment], to machine: MachineUUID) async throws(Fault) {
        var taken: [(unit: GPUUnit, isClean: Bool)] = []
        for gpu in gpus { taken.append(try await take(gpu, for: machine)) }
        // Before they leave the host's driver, by which Fabric Manager trains the links of older GPUs.
        try await connect(taken.map(\.unit))
        for (unit, isClean) in taken {
            do throws(Fault) {
                if isClean { try await passThrough(unit) } else { try await cleanTaken(unit) }
            } catch {
                logger.error("A GPU cannot be bound", metadata: ["gpu": "\(unit.address)", "error": "\(error)"])
                throw Fault(.hostGPUUnavailable, "A GPU of the machine cannot be passed through on the node.")
            }
        }
    }

    /// Notes that a machine has a unit, if it may.
    ///
    /// - Returns: The unit, and whether it was cleaned since anybody used it, the host's own drivers too.
    private func take(
        _ gpu: GPUAssignment,
        for machine: MachineUUID
    ) async throws(Fault) -> (unit: GPUUnit, isClean: Bool) {
        let unit = try await promised(gpu)
        var entry = await ledger.entry(gpu.address, gpu.functions) ?? unknown(unit, claim: gpu.claim)
        guard let admission = entry.admission(gpu.claim, of: machine, since: kernelLog.boot) else {
            throw Fault(.hostGPUUnavailable, "A GPU of the machine is another's by now.")
        }
        let users = try await processes(of: [unit])
        guard users.isEmpty else {
            // What runs on the host is not for tenants to read.
            logger.error("A GPU is in use", metadata: ["gpu": "\(gpu.address)", "processes": "\(users)"])
            throw Fault(.hostGPUBusy, "A GPU of the machine is in use on the node.")
        }
        let isHosts = unit.functions.contains { $0.driver != PCIBinding.passthrough }
        let isClean = admission == .asItIs && !isHosts
        (entry.claim, entry.state) = (gpu.claim, .used(by: machine))
        if !isClean { entry.heard = nil }
        try await ledger.note(entry, of: unit.address)
        return (unit, isClean)
    }

    /// Cleans a unit that its machine has already, whose guest does not run yet.
    private func cleanTaken(_ unit: GPUUnit) async throws(Fault) {
        guard var entry = await ledger.entry(unit.address, unit.identity) else { return }
        do throws(Fault) {
            let how = try await scrub(unit)
            logger.notice("A GPU was cleaned before its start", metadata: ["gpu": "\(unit.address)", "how": "\(how)"])
        } catch {
            entry.state = .faulty(reason: error.message)
            try await ledger.note(entry, of: unit.address)
            throw error
        }
        entry.heard = kernelLog.place
        try await ledger.note(entry, of: unit.address)
    }

    /// The entry of a unit of which the ledger knows nothing.
    private func unknown(_ unit: GPUUnit, claim: Int64) -> GPULedger.Entry {
        .init(claim: claim, state: .unclean, functions: unit.identity, drivers: drivers(of: unit))
    }

    /// Has a machine's units reach each other and no others.
    private func connect(_ units: [GPUUnit]) async throws(Fault) {
        guard let fabric, !units.isEmpty else { return }
        let all = try await look(fresh: false).units
        do throws(Fault) {
            try await fabric.activate(units.map(\.address), among: all)
        } catch {
            let names = units.map { "\($0.address)" }.joined(separator: " ")
            logger.error("GPUs cannot be connected", metadata: ["gpus": "\(names)", "error": "\(error)"])
            throw Fault(.hostGPUUnavailable, "The GPUs of the machine cannot be connected to each other on the node.")
        }
    }

    /// The unit that an assignment names, if it is still what it was.
    private func promised(_ gpu: GPUAssignment) async throws(Fault) -> GPUUnit {
        let host = try await look(fresh: true)
        guard let unit = host.unit(at: gpu.address) else {
            throw Fault(.hostGPUUnavailable, "A GPU of the machine is not in the node any more.")
        }
        guard unit.identity == gpu.functions else {
            throw Fault(
                .hostGPUUnavailable,
                "A GPU of the machine was exchanged, or shares its IOMMU group with others now."
            )
        }
        if let obstacle = host.obstacle(of: unit) {
            logger.error(
                "A GPU cannot be passed through",
                metadata: ["gpu": "\(gpu.address)", "reason": "\(obstacle)"]
            )
            if unit.obstacle == nil, case .failure = host.fabric {
                throw Fault(.hostGPUBusy, "The GPUs of the machine cannot be connected to each other on the node now.")
            }
            throw Fault(.hostGPUUnavailable, "A GPU of the machine cannot be passed through on the node any more.")
        }
        return unit
    }

    private func passThrough(_ unit: GPUUnit) async throws(Fault) {
        let (binding, addresses) = (binding, unit.functions.map(\.address))
        try await bounded(unit.address) { () async throws(Fault) in
            for address in addresses { try binding.bind(address) }
        }
    }

    // MARK: - Cleaning

    /// Cleans a unit that no machine has any more, unless that was done; or gives it back to the host.
    ///
    /// - Returns: Whether the inventory says something new of it.
    package func clean(_ gpu: UncleanGPU) async -> Bool {
        do throws(Fault) {
            return try await inTurn(gpu.address) { () async throws(Fault) in
                gpu.isReturned ? try await self.returnNow(gpu) : try await self.cleanNow(gpu)
            }
        } catch {
            // It is asked for again.
            logger.error("What became of a GPU is not noted", metadata: ["gpu": "\(gpu.address)", "error": "\(error)"])
            return false
        }
    }

    private func cleanNow(_ gpu: UncleanGPU) async throws(Fault) -> Bool {
        let host = try await look(fresh: true)
        guard let unit = host.unit(at: gpu.address) else { return false }
        let known = await ledger.entry(gpu.address, unit.identity)
        guard known?.answers(gpu.claim, since: kernelLog.boot) != true else { return false }
        // A guest that is on its way out, or that only the conductor believes gone; or the host's own. It is asked again.
        if let isNew = try await waitsForHolders(of: unit, host) { return isNew }
        var entry = known ?? unknown(unit, claim: gpu.claim)
        entry.claim = gpu.claim
        entry.state = host.obstacle(of: unit) == nil ? await cleaned(unit, host) : .unclean
        if entry.isClean { entry.heard = kernelLog.place }
        // The agent ends in the middle of it; the next one is asked again.
        guard !Task.isCancelled, entry != known else { return false }
        try await ledger.note(entry, of: unit.address)
        seen = nil
        if returnsDrivers, entry.isClean { try await giveBack(unit, entry.drivers) }
        return true
    }

    /// Whether the processes that hold a unit, or one that it is connected to, are told for the first time; nil when none
    /// does.
    private func waitsForHolders(of unit: GPUUnit, _ host: HostGPUs) async throws(Fault) -> Bool? {
        let users = try await processes(of: host.connected(unit))
        let wait = users.isEmpty ? nil : "It is in use by \(users.joined(separator: ", "))."
        defer { waits[unit.address] = wait }
        guard let wait else { return nil }
        logger.notice("A GPU is still held", metadata: ["gpu": "\(unit.address)", "processes": "\(users)"])
        return waits[unit.address] != wait
    }

    /// Gives a unit to the host's drivers; what they do with it leaves it unclean.
    private func returnNow(_ gpu: UncleanGPU) async throws(Fault) -> Bool {
        let host = try await look(fresh: true)
        guard let unit = host.unit(at: gpu.address), returned[unit.address] != gpu.claim else { return false }
        if let isNew = try await waitsForHolders(of: unit, host) { return isNew }
        var entry = await ledger.entry(unit.address, unit.identity) ?? unknown(unit, claim: gpu.claim)
        entry.state = .unclean
        try await ledger.note(entry, of: unit.address)
        try await disconnect(unit, host)
        try await giveBack(unit, entry.drivers)
        (seen, returned[unit.address]) = (nil, gpu.claim)
        logger.notice("A GPU was returned to the host's drivers", metadata: ["gpu": "\(gpu.address)"])
        return true
    }

    private func cleaned(_ unit: GPUUnit, _ host: HostGPUs) async -> GPULedger.State {
        do throws(Fault) {
            let how = try await clean(unit, host)
            logger.notice("A GPU was cleaned", metadata: ["gpu": "\(unit.address)", "how": "\(how)"])
            return .cleaned(how: how)
        } catch {
            logger.error(
                "A GPU could not be cleaned",
                metadata: ["gpu": "\(unit.address)", "reason": "\(error.message)"]
            )
            return .faulty(reason: error.message)
        }
    }

    private func clean(_ unit: GPUUnit, _ host: HostGPUs) async throws(Fault) -> String {
        try await disconnect(unit, host)
        return try await scrub(unit)
    }

    /// Resets a unit that nobody holds, and runs the operator's part.
    ///
    /// - Returns: How it was cleaned, such as `flr, hook`.
    private func scrub(_ unit: GPUUnit) async throws(Fault) -> String {
        try await passThrough(unit)
        let cleaning = cleaning
        let how = try await bounded(unit.address) { () async throws(Fault) in try cleaning.reset(unit) }
        guard let hook = cleaning.hook else { return how }
        try await hook.run(unit.functions.map(\.address))
        try await passThrough(unit)
        try await bounded(unit.address) { () async throws(Fault) in try cleaning.verify(unit) }
        return how + ", hook"
    }

    /// Cuts a unit off from others, none of which a guest may run on then (Fabric Manager User Guide, “Deactivating the
    /// Partition”).
    private func disconnect(_ unit: GPUUnit, _ host: HostGPUs) async throws(Fault) {
        for partition in host.connections(of: unit) {
            try await fabric?.deactivate(partition.id, among: host.units)
        }
    }

    private func giveBack(_ unit: GPUUnit, _ drivers: [String: String]) async throws(Fault) {
        let (binding, addresses) = (binding, unit.functions.map(\.address))
        try await bounded(unit.address) { () async throws(Fault) in
            for address in addresses { try binding.release(address, to: drivers["\(address)"]) }
        }
    }

    // MARK: - Its means

    private func drivers(of unit: GPUUnit) -> [String: String] {
        let pairs = unit.functions.compactMap { function in function.driver.map { ("\(function.address)", $0) } }
        return Dictionary(pairs.filter { $0.1 != PCIBinding.passthrough }) { first, _ in first }
    }

    private func processes(of units: [GPUUnit]) async throws(Fault) -> [String] {
        var processes: [String] = []
        for unit in units {
            let (holders, addresses) = (holders, unit.functions.map(\.address))
            processes += try await bounded(unit.address) { () async throws(Fault) in
                try holders.processes(of: addresses, iommuGroup: unit.iommuGroup)
            }
        }
        return processes
    }

    private func inTurns(
        _ addresses: ArraySlice<PCIAddress>,
        _ work: @escaping @Sendable () async throws(Fault) -> Void
    ) async throws(Fault) {
        guard let first = addresses.first else { return try await work() }
        try await inTurn(first) { () async throws(Fault) in try await self.inTurns(addresses.dropFirst(), work) }
    }

    private func inTurn<Value: Sendable>(
        _ address: PCIAddress,
        _ work: @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        let turn = turns[address] ?? AsyncSemaphore(1)
        turns[address] = turn
        do {
            return try await turn.withSlot { try await work() }
        } catch {
            throw error as? Fault ?? Fault(.hostCommandFailed, "A step was ended.")
        }
    }

    /// Runs what may wait for the kernel on the unit's own thread, and waits no longer than is decent.
    private func bounded<Value: Sendable>(
        _ address: PCIAddress,
        _ work: @escaping @Sendable () async throws(Fault) -> Value
    ) async throws(Fault) -> Value {
        let worker = workers[address] ?? FileWorker(name: "gpu")
        workers[address] = worker
        let late = Fault(
            .hostGPUUnavailable,
            "A GPU of the node does not come back from the kernel; the host may need a reboot."
        )
        return try await worker.run(within: Self.patience, orElse: late, work)
    }
}
