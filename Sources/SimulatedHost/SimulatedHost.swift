// SPDX-License-Identifier: Apache-2.0

package import Agent
import Foundation
package import GantryModel
package import GantryProtocol
import Synchronization

/// The second side of ``Host``: a host in memory, for tests of scale, faults and interleavings, and for nothing else. No
/// program links it, and what it does proves nothing about libvirt; one test runs the same scenario on both sides.
package actor SimulatedHost: Agent.Host {
    // MARK: What a disk keeps

    package private(set) var machines: [MachineUUID: SimulatedMachine] = [:]
    package private(set) var images: Set<SHA256Digest> = []
    /// The volumes that have a file on the host's own disk.
    package private(set) var volumes: Set<VolumeUUID> = []
    /// What it mounts with other hosts; nil for nothing.
    private let sharedPool: SimulatedPool?
    /// What the agent knows of its GPUs.
    private var ledger: [PCIAddress: GPULedger.Entry] = [:]
    /// The machines that left something on a GPU, which a kill or a power cut does not take from it.
    package private(set) var traces: [PCIAddress: MachineUUID] = [:]
    /// What must never happen: a GPU with another machine's traces, or in two machines, was given away.
    package private(set) var breaches: [String] = []

    // MARK: What a kernel and its daemons keep

    package private(set) var networks: [EnvironmentID: Set<SimulatedDHCPHost>] = [:]
    /// The machines that the packet filter lets through.
    package private(set) var filter: [MachineUUID: NetworkMember] = [:]
    package private(set) var floatingIPs: Set<IPv4Address> = []

    // MARK: What the agent's process keeps

    private var members: [MachineUUID: NetworkMember] = [:]
    package private(set) var pools: [Subnet] = []

    // MARK: How it behaves

    private let total: Resources
    private let gpus: [GPUInventory]
    private let duration: @Sendable (ConvergenceStep) -> Duration
    private var disturbances: Disturbance.Source = { _, _ in nil }
    /// Whether the simulated libvirt answers.
    private var isReachable = true
    /// Whether it neither answers nor fails.
    private var isHanging = false
    private var measurements: Int64 = 0
    /// Whether the agent's process died, and no other was started.
    package private(set) var isAgentDead = false
    private let listeners = Mutex<[AsyncStream<MachineUUID?>.Continuation]>([])

    /// - Parameters:
    ///   - total: What the host says it has.
    ///   - gpus: Its units, as they would be found; a machine with others is refused.
    ///   - sharedPool: What it mounts with other hosts; nil for nothing.
    ///   - duration: How long each step takes.
    package init(
        total: Resources = Resources(vcpus: 64, memoryMiB: 1 << 18, diskGiB: 4096),
        gpus: [GPUInventory] = [],
        sharedPool: SimulatedPool? = nil,
        duration: @escaping @Sendable (ConvergenceStep) -> Duration = { _ in .zero }
    ) {
        (self.total, self.gpus, self.sharedPool, self.duration) = (total, gpus, sharedPool, duration)
    }

    // MARK: - The test's hand

    package func disturb(_ source: @escaping Disturbance.Source) { disturbances = source }

    package func setReachable(_ isReachable: Bool) {
        self.isReachable = isReachable
        tell(nil)
    }

    package func setHanging(_ isHanging: Bool) { self.isHanging = isHanging }

    /// Another agent is started on the host.
    package func startAgent() { isAgentDead = false }

    /// The guest does something of its own.
    package func guest(_ uuid: MachineUUID, becomes state: ObservedDomain.State) {
        guard machines[uuid]?.domain?.state == .running else { return }
        machines[uuid]?.domain?.state = state
        tell(uuid)
    }

    /// libvirtd starts anew, and knows of no domain why it is off.
    package func forgetReasons() {
        for (uuid, machine) in machines where [.shutDown, .crashed].contains(machine.domain?.state) {
            machines[uuid]?.domain?.state = .off
        }
    }

    /// Somebody flushes the host's packet filter.
    package func flushFilter() { filter = [:] }

    /// Everything that is on the host for machines, in words; images are not, which are kept for others.
    package var holdings: [String] {
        let machines = machines.filter { !$0.value.isEmpty }.map { "machine \($0.key): \($0.value)" }
        let networks = networks.flatMap { environment, hosts in
            ["network \(environment)"] + hosts.map { "DHCP host \($0.address) in network \(environment)" }
        }
        return machines + networks + filter.keys.map { "rules of \($0)" } + floatingIPs.map { "floating IP \($0)" }
    }

    private func tell(_ uuid: MachineUUID?) {
        for listener in listeners.withLock({ $0 }) { listener.yield(uuid) }
    }

    // MARK: - Looking

    package func domains() async throws(Fault) -> [ObservedDomain] {
        try checkReachable()
        return machines.keys.compactMap(observed)
    }

    package func domain(_ uuid: MachineUUID) async throws(Fault) -> ObservedDomain? {
        try checkReachable()
        return observed(uuid)
    }

    private func observed(_ uuid: MachineUUID) -> ObservedDomain? {
        guard let domain = machines[uuid]?.domain, domain.isPersistent else { return nil }
        return ObservedDomain(uuid: uuid, mark: domain.mark, state: domain.state)
    }

    package func machinesWithFiles() -> Set<MachineUUID> {
        Set(machines.filter { $0.value.hasFiles }.keys)
    }

    package func inventory() async throws(Fault) -> NodeInventory {
        while isHanging, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(10)) }
        try checkReachable()
        return NodeInventory(
            total: total,
            reserved: .zero,
            virtType: VirtType.qemu.rawValue,
            hypervisorVersion: "simulated",
            agentVersion: GantryVersion.current,
            gpus: gpus.map(condition),
            storagePools: [StoragePoolInventory(name: "local", kind: .local)]
                + (sharedPool.map { [StoragePoolInventory(name: $0.name, kind: .shared)] } ?? [])
        )
    }

    private func condition(_ gpu: GPUInventory) -> GPUInventory {
        var gpu = gpu
        guard gpu.condition != .faulty else { return gpu }
        let entry = ledger[gpu.address]
        gpu.claim = entry?.claim ?? 0
        gpu.condition = entry?.isClean == true ? .ready : .busy
        if case .cleaned(let how) = entry?.state { gpu.cleaning = how }
        return gpu
    }

    package func problems() -> [String] { [] }

    /// Counters that have risen at each measurement, by one for each machine alike.
    package func samples() async throws(Fault) -> [MachineSample] {
        try checkReachable()
        measurements += 1
        return machines.filter { $0.value.domain?.state == .running }
            .map { uuid, _ in
                MachineSample(
                    uuid: uuid,
                    cpuTime: measurements,
                    memory: 1 << 20,
                    networkIn: measurements,
                    networkOut: measurements,
                    diskRead: measurements,
                    diskWritten: measurements
                )
            }
    }

    package nonisolated var changes: AsyncStream<MachineUUID?> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: MachineUUID?.self,
            bufferingPolicy: .bufferingNewest(1000)
        )
        listeners.withLock { $0.append(continuation) }
        return stream
    }

    private func checkReachable() throws(Fault) {
        guard isReachable else { throw Fault(.hypervisorUnreachable, "The node's hypervisor does not answer.") }
    }

    // MARK: - Shared by machines

    package func restore(_ tasks: [MachineTask]) {
        members = [:]
        for task in tasks { members[task.uuid] = NetworkMember(task) }
    }

    package func maintain(floatingIPPools: [Subnet]) {
        pools = floatingIPPools
        applyFilter()
    }

    private func applyFilter() {
        filter = members
        floatingIPs = Set(members.values.compactMap(\.attachment.floatingIP))
    }

    // MARK: - Doing

    package func perform(
        _ step: ConvergenceStep,
        for task: MachineTask,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault) {
        await live()
        let disturbance = disturbances(step, task.uuid)
        if let disturbance, !disturbance.isLate { try await suffer(disturbance) }
        let duration = duration(step)
        if duration > .zero { try? await Task.sleep(for: duration) }
        if Task.isCancelled { throw Fault(.hostCommandFailed, "The step was ended.") }
        await live()
        progress(100)
        try work(step, task)
        if let disturbance, disturbance.isLate { try await suffer(disturbance) }
    }

    package func perform(_ job: MachineJob, for task: MachineTask) async throws(Fault) -> String? {
        await live()
        switch job.work {
        case .serialLog: return "\(task.spec?.hostname ?? "") login:\n"
        case .authorizedKeys: throw Fault(.guestAgentMissing, "A simulated guest has no agent.")
        case .console: throw Fault(.specUnsupported, "A simulated guest has no display.")
        case .snapshot: throw Fault(.specUnsupported, "A simulated host has no disks to copy.")
        case .unknown(let kind): throw Fault(.specUnsupported, "A simulated host does no “\(kind)”.")
        }
    }

    /// A dead agent's call never comes back before somebody clears it away.
    private func live() async {
        while isAgentDead, !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    private func suffer(_ disturbance: Disturbance) async throws(Fault) {
        switch disturbance.kind {
        case .fail(let fault): throw fault
        case .hang:
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        case .kill: isAgentDead = true
        case .powerCut: losePower()
        }
        await live()
        if Task.isCancelled { throw Fault(.hostCommandFailed, "The step was ended.") }
    }

    private func losePower() {
        isAgentDead = true
        (networks, filter, floatingIPs) = ([:], [:], [])
        for (uuid, machine) in machines {
            guard let domain = machine.domain else { continue }
            if domain.isPersistent {
                machines[uuid]?.domain?.state = .off
            } else {
                machines[uuid]?.domain = nil
            }
        }
    }

    private func work(_ step: ConvergenceStep, _ task: MachineTask) throws(Fault) {
        let uuid = task.uuid
        switch step {
        case .image, .overlay, .seed, .define: try build(step, task)
        case .volumes: try makeVolumes(of: task)
        case .plug: try checkReachable()
        case .bind: try bind(task)
        case .network: attach(task)
        case .filter:
            members[uuid] = NetworkMember(task)
            applyFilter()
        case .start, .shutDown, .destroy, .undefine: try power(step, task)
        case .unfilter:
            members[uuid] = nil
            applyFilter()
        case .unlink: detach(uuid, from: task.spec?.network)
        case .remove:
            machines[uuid]?.disk = nil
            machines[uuid]?.seed = nil
            if machines[uuid]?.isEmpty == true { machines[uuid] = nil }
        case .journal, .acknowledge, .settle, .report, .forget: return
        }
    }

    private func build(_ step: ConvergenceStep, _ task: MachineTask) throws(Fault) {
        guard let spec = task.spec else { throw Fault(.specUnsupported, "The task holds no specification.") }
        switch step {
        case .image: images.insert(spec.image.sha256)
        case .overlay:
            guard images.contains(spec.image.sha256) else {
                throw Fault(.hostCommandFailed, "The disk could not be made on the node.")
            }
            // A machine that boots from a volume has no other disk.
            guard spec.rootVolume == nil else { return }
            if machines[task.uuid]?.disk == nil { machines[task.uuid, default: .init()].disk = UUID() }
        case .seed: machines[task.uuid, default: .init()].seed = MachineMark.digest(of: spec)
        default:
            let state = machines[task.uuid]?.domain?.state ?? .off
            machines[task.uuid, default: .init()].domain = .init(mark: MachineMark(task), state: state)
        }
    }

    private func bind(_ task: MachineTask) throws(Fault) {
        for gpu in task.spec?.gpus ?? [] {
            guard gpus.contains(where: { $0.address == gpu.address && $0.functions == gpu.functions }) else {
                throw Fault(.hostGPUUnavailable, "This node has no such GPU.")
            }
            var entry = ledger[gpu.address] ?? .init(claim: gpu.claim, state: .unclean, functions: gpu.functions)
            guard let admission = entry.admission(gpu.claim, of: task.uuid, since: Self.boot) else {
                throw Fault(.hostGPUUnavailable, "A GPU of the machine is another's by now.")
            }
            guard !isHeld(gpu.address) else { throw Fault(.hostGPUBusy, "A GPU of the machine is in use on the node.") }
            if admission == .onceCleaned { traces[gpu.address] = nil }
            (entry.claim, entry.state, entry.heard) = (gpu.claim, .used(by: task.uuid), Self.cleaned)
            ledger[gpu.address] = entry
        }
    }

    package func clean(_ gpu: UncleanGPU) async -> Bool {
        await live()
        guard !gpu.isReturned else {
            ledger[gpu.address]?.state = .unclean
            return false
        }
        guard let unit = gpus.first(where: { $0.address == gpu.address }),
            ledger[gpu.address]?.answers(gpu.claim, since: Self.boot) != true, !isHeld(gpu.address)
        else { return false }
        traces[gpu.address] = nil
        var entry = GPULedger.Entry(claim: gpu.claim, state: .cleaned(how: "simulated"), functions: unit.functions)
        entry.heard = Self.cleaned
        ledger[gpu.address] = entry
        return true
    }

    /// Its kernel's log says nothing, whenever it is cleaned.
    private static let cleaned = KernelLog.Place(boot: boot, number: 0)
    private static let boot = "simulated"

    private func isHeld(_ gpu: PCIAddress) -> Bool {
        machines.values.contains { $0.domain?.state == .running && $0.gpus.contains(gpu) }
    }

    /// The agent's own state is lost with its disk; what is on the GPUs is not.
    package func forgetGPUs() { ledger = [:] }

    private func makeVolumes(of task: MachineTask) throws(Fault) {
        for volume in task.spec?.volumes ?? [] {
            if let sharedPool, volume.pool == sharedPool.name {
                guard sharedPool.makes(volume) else {
                    throw Fault(.volumeUnavailable, "A volume's file is not in storage pool “\(volume.pool)” any more.")
                }
                continue
            }
            guard volume.isNew || volumes.contains(volume.uuid) else {
                throw Fault(.volumeUnavailable, "A volume's file is not in storage pool “\(volume.pool)” any more.")
            }
            volumes.insert(volume.uuid)
        }
    }

    package func remove(_ volume: AbsentVolume) throws(Fault) {
        volumes.remove(volume.uuid)
        sharedPool?.remove(volume.uuid)
    }

    private func power(_ step: ConvergenceStep, _ task: MachineTask) throws(Fault) {
        try checkReachable()
        let domain = machines[task.uuid]?.domain
        switch (step, domain?.state) {
        case (.start, .running?): return
        case (.start, _): try start(task)
        case (.shutDown, .running?), (.shutDown, .paused?): machines[task.uuid]?.domain?.state = .shutDown
        case (.destroy, _) where domain?.isPersistent == false: machines[task.uuid]?.domain = nil
        case (.destroy, .running?), (.destroy, .paused?): machines[task.uuid]?.domain?.state = .off
        case (.undefine, .running?): machines[task.uuid]?.domain?.isPersistent = false
        case (.undefine, _): machines[task.uuid]?.domain = nil
        default: return
        }
        tell(task.uuid)
    }

    private func start(_ task: MachineTask) throws(Fault) {
        guard let machine = machines[task.uuid], machine.domain != nil, machine.seed != nil,
            machine.disk != nil || task.spec?.rootVolume != nil,
            let attachment = task.spec?.network, networks[attachment.environmentID] != nil
        else { throw Fault(.hypervisorRefused, "The node's hypervisor could not do it.") }
        for gpu in task.spec?.gpus ?? [] {
            if let other = traces[gpu.address], other != task.uuid {
                breaches.append("\(gpu.address) had traces of \(other)")
            }
            let users = machines.filter { $0.value.domain?.state == .running && $0.value.gpus.contains(gpu.address) }
            if users.keys.contains(where: { $0 != task.uuid }) { breaches.append("\(gpu.address) is in two machines") }
            traces[gpu.address] = task.uuid
        }
        machines[task.uuid]?.gpus = Set(task.spec?.gpus.map(\.address) ?? [])
        machines[task.uuid]?.domain?.state = .running
    }

    // MARK: - Networks

    private func attach(_ task: MachineTask) {
        guard let member = NetworkMember(task) else { return }
        members[task.uuid] = member
        let attachment = member.attachment
        let others = networks[attachment.environmentID, default: []]
            .filter { $0.mac != attachment.mac && $0.address != attachment.address }
        networks[attachment.environmentID] = others.union([SimulatedDHCPHost(attachment)])
    }

    private func detach(_ uuid: MachineUUID, from attachment: NetworkAttachment?) {
        for environment in attachment.map({ [$0.environmentID] }) ?? Array(networks.keys) {
            let others = members.values.filter { $0.uuid != uuid && $0.attachment.environmentID == environment }
            guard !others.isEmpty else {
                networks[environment] = nil
                continue
            }
            let wanted = Set(others.map { SimulatedDHCPHost($0.attachment) })
            networks[environment] = networks[environment]?
                .filter { host in
                    guard let attachment else { return wanted.contains(host) }
                    return host.mac != attachment.mac && host.address != attachment.address
                }
        }
    }
}
