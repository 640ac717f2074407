// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol

/// Everything that an agent can do to and see of the host that its machines live on.
///
/// It has two sides, ``LinuxHost`` and ``SimulatedHost``. Neither decides anything: what is done, and in which order, is
/// ``Convergence``'s, which both share. What every side promises:
///
/// - Each call may be repeated: what is done already stays as it is, what is gone already is no error.
/// - Each call is all or nothing as far as ``observe()`` can tell: after a crash in its midst the resource is either
///   not seen or whole, or the same call mends it.
/// - Only what carries our mark is seen or touched.
/// - Calls for different machines may run side by side, calls for one machine come one after the other, but for those
///   that make overlay, seed, network, firewall and floating IP, which may run side by side for one machine too.
/// - A call that is cancelled ends soon, by ``GantryModel/Fault`` of any code.
/// - Faults' messages are for the tenant; details for the operator go to the log.
package protocol MachineHost: Sendable {
    // MARK: Looking

    /// The kernel's `boot_id`: another one means that the host was restarted.
    var bootID: String { get }

    /// What happens, from the first call on. Called once. Events are hints: any may be missing or come twice.
    func events() -> AsyncStream<HostEvent>

    /// Every machine of ours that has anything on this host, also if only files or addresses are left of it.
    /// - Throws: `hypervisor_unreachable` when libvirt does not answer. Nothing may be concluded then.
    func observe() async throws(Fault) -> [MachineUUID: MachineObservation]

    /// The same for one machine. One that has nothing on the host is ``MachineObservation/isAbsent``.
    func observe(_ uuid: MachineUUID) async throws(Fault) -> MachineObservation

    /// What the host has.
    func inventory() async throws(Fault) -> NodeInventory

    /// What keeps the host from taking new machines, in words for its operator; empty when it is well.
    func problems() async -> [String]

    /// Whether the host itself is being shut down, so that guests' ends are not the guests' own wish.
    func isGoingDown() async -> Bool

    // MARK: Building

    /// Brings the image into the cache and checks it, against the flavor's disk too.
    ///
    /// `progress` is told how far it is, 0 to 100, now and then.
    func fetchImage(
        _ machine: MachineBlueprint,
        progress: @escaping @Sendable (Int) -> Void
    ) async throws(Fault)

    /// Makes the root disk upon the cached image. One that is there is kept with its contents.
    func makeOverlay(_ machine: MachineBlueprint) async throws(Fault)

    /// Writes the NoCloud seed, over an older one if its contents differ.
    func makeSeed(_ machine: MachineBlueprint) async throws(Fault)

    /// Makes the network of the machine's environment if need be, and the machine's DHCP entry in it, as the only one of
    /// its UUID, MAC and address.
    func connect(_ machine: MachineBlueprint) async throws(Fault)

    /// Replaces all packet filter rules, address translations and metadata of guests by exactly what is wanted.
    func applyFirewall(_ wanted: WantedNetwork) async throws(Fault)

    /// Holds exactly the floating IPs that are wanted, and announces those that are new. Comes after the firewall.
    func applyFloatingIPs(_ wanted: WantedNetwork) async throws(Fault)

    /// Defines the domain, or defines it anew; a running guest is not disturbed.
    func define(_ machine: MachineBlueprint) async throws(Fault)

    /// Starts the defined domain.
    func start(_ uuid: MachineUUID) async throws(Fault)

    // MARK: Operating

    /// Resets a running guest as its reset button would.
    func reset(_ uuid: MachineUUID) async throws(Fault)

    /// Presses a running guest's power button and returns at once.
    func pressPowerButton(_ uuid: MachineUUID) async throws(Fault)

    // MARK: Removing

    /// Ends a guest at once. The domain stays defined.
    func destroy(_ uuid: MachineUUID) async throws(Fault)

    /// Removes the definition of a domain that does not run.
    func undefine(_ uuid: MachineUUID) async throws(Fault)

    func removeOverlay(_ uuid: MachineUUID) async throws(Fault)

    func removeSeed(_ uuid: MachineUUID) async throws(Fault)

    /// Removes the machine's DHCP entry, and its environment's network with the last one.
    func disconnect(_ uuid: MachineUUID) async throws(Fault)

    /// Removes what is left beside the above, such as the console's log.
    func removeRemains(_ uuid: MachineUUID) async throws(Fault)
}

/// Something that happened on a host.
package enum HostEvent: Sendable, Hashable {
    /// The domain started, stopped, paused, resumed, was defined or undefined.
    case machineChanged(MachineUUID)
    /// Events may have been missed: look at everything.
    case eventsLost
    /// With the reason.
    case hypervisorLost(String)
    case hypervisorBack
}
