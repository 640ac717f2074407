// SPDX-License-Identifier: Apache-2.0

/// The status of a virtual machine in the words of the Infrahub API, plus `UNKNOWN`.
public enum MachineStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case creating = "CREATING"
    case build = "BUILD"
    case active = "ACTIVE"
    case stopping = "STOPPING"
    case shutoff = "SHUTOFF"
    case starting = "STARTING"
    case rebooting = "REBOOTING"
    case hibernating = "HIBERNATING"
    case hibernated = "HIBERNATED"
    case restoring = "RESTORING"
    case deleting = "DELETING"
    case error = "ERROR"
    /// Its node does not answer; what runs there goes on, and so do the claims.
    case unknown = "UNKNOWN"
}
