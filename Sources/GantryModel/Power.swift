// SPDX-License-Identifier: Apache-2.0

/// What is wanted of a virtual machine.
public enum WantedPower: String, Hashable, Sendable, Codable, CaseIterable {
    /// It exists and runs.
    case running
    /// It exists, shut off; everything on its node is kept.
    case stopped
    /// It is shut off and its disks are kept; CPU, memory and GPUs are free for others.
    case hibernated
    /// Nothing of it is left on the node.
    case absent
}

/// What a stop of a flavor's machines does to the vCPUs, memory and GPUs that they claim.
public enum StopPolicy: String, Hashable, Sendable, Codable, CaseIterable {
    /// They stay claimed, so that the machine can always be started again.
    case keep
    /// They are free for others once the node has confirmed that the machine is off; its start claims them anew.
    case release
}

/// What an agent sees of a virtual machine.
public enum ObservedPower: String, Hashable, Sendable, Codable, CaseIterable {
    case running
    /// Defined and shut off in order, or never started.
    case stopped
    /// It ended without being asked to: QEMU died, or the guest panicked.
    case crashed
    /// Held by the hypervisor: an I/O error such as a full disk, or an operator's suspend.
    case paused
    /// Nothing of it is on the node: no domain, file, rule or address.
    case absent
    /// Not known now, for instance because libvirt does not answer. Never a reason to release anything.
    case unknown
}
