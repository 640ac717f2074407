// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// What one look at a host shows of one machine.
package struct MachineObservation: Sendable, Hashable {
    package var uuid: MachineUUID
    /// Nil when there is no domain of ours with this UUID.
    package var domain: DomainObservation?
    /// What else of the machine is on the host.
    package var resources: Set<HostResource>

    package init(uuid: MachineUUID, domain: DomainObservation?, resources: Set<HostResource>) {
        (self.uuid, self.domain, self.resources) = (uuid, domain, resources)
    }

    /// Whether nothing of the machine is on the host.
    package var isAbsent: Bool { domain == nil && resources.isEmpty }
}

/// Something a machine has on its host beside its domain.
package enum HostResource: String, Sendable, Hashable, CaseIterable {
    case overlay
    case seed
    /// Its DHCP entry.
    case reservation
    case floatingIP = "floating_ip"
    /// Such as the console's log.
    case remains
}

/// A domain of ours, as libvirt shows it.
package struct DomainObservation: Sendable, Hashable {
    // From the metadata in our namespace:
    package var machineID: VirtualMachineID
    /// The generation it was last defined for.
    package var generation: Generation
    /// ``MachineBlueprint/domainDigest`` of its definition.
    package var digest: String

    package var power: DomainPower

    package init(machineID: VirtualMachineID, generation: Generation, digest: String, power: DomainPower) {
        (self.machineID, self.generation, self.digest, self.power) = (machineID, generation, digest, power)
    }
}

/// Whether a guest runs, and if it does not, why.
package enum DomainPower: Sendable, Hashable {
    /// Also while it shuts down.
    case running
    /// With the hypervisor's reason, such as an I/O error.
    case paused(String)
    case off(OffReason)

    /// What libvirt remembers of a guest's end. It forgets when it is restarted.
    package enum OffReason: String, Sendable, Hashable {
        /// The guest powered itself off.
        case guestShutDown = "guest_shut_down"
        /// It was ended from outside.
        case destroyed
        /// QEMU died, or the guest panicked.
        case crashed
        /// It could not be started.
        case startFailed = "start_failed"
        /// Never started, or not remembered.
        case unknown
    }

    package var isOff: Bool {
        if case .off = self { true } else { false }
    }
}
