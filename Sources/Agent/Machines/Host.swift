// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// The host side of the agent. Every decision is above it, in code that both of its sides share: the real one, on
/// libvirt and Linux, and a simulated one for tests of scale and faults.
///
/// Each method may be called again harmlessly. Errors are faults that the conductor understands.
package protocol Host: Sendable {
    /// Every domain of ours.
    ///
    /// - Throws: `hypervisor_unreachable`, from which nothing about any machine follows.
    func domains() async throws(Fault) -> [ObservedDomain]

    /// One machine's domain; nil when there is none.
    ///
    /// - Throws: `hypervisor_unreachable`.
    func domain(_ uuid: MachineUUID) async throws(Fault) -> ObservedDomain?

    /// Does one step for one machine.
    ///
    /// - Parameters:
    ///   - step: One of the steps that touch the host, from `image` to `remove`.
    ///   - task: What is wanted. For a teardown its specification is the one that was built, where it is known.
    ///   - progress: Told a percentage, where the step can tell.
    /// - Throws: what kept the step from being done.
    func perform(
        _ step: ConvergenceStep,
        for task: MachineTask,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault)

    /// Does something once for one machine, beside its steps. Doing it again does no harm.
    ///
    /// - Returns: What it brought, such as a log.
    /// - Throws: what kept it from being done.
    func perform(_ job: MachineJob, for task: MachineTask) async throws(Fault) -> String?

    /// Takes note of the machines that the journal knows to be on the host, before the first step after a start.
    func restore(_ tasks: [MachineTask]) async

    /// Makes what the machines share hold again: packet filter and floating IPs. Others may have meddled with it.
    func maintain(floatingIPPools: [Subnet]) async

    /// The machines that have files on the host, of whatever state.
    func machinesWithFiles() async -> Set<MachineUUID>

    /// Removes a volume's file from its pool, with all data. None is fine.
    ///
    /// - Throws: `volume_unavailable` when the pool cannot be used now.
    func remove(_ volume: AbsentVolume) async throws(Fault)

    /// Cleans a GPU that no machine has any more, unless that was done.
    ///
    /// - Returns: Whether the inventory says something new of it.
    func clean(_ gpu: UncleanGPU) async -> Bool

    /// What the host has.
    func inventory() async throws(Fault) -> NodeInventory

    /// What each running machine has used. It may take long, and keeps nothing else waiting.
    ///
    /// - Throws: `hypervisor_unreachable`.
    func samples() async throws(Fault) -> [MachineSample]

    /// What keeps the host from taking new machines, in words for its operator.
    func problems() async -> [String]

    /// Hints that something changed: a machine, or with nil anything. For one reader.
    var changes: AsyncStream<MachineUUID?> { get }
}
