// SPDX-License-Identifier: Apache-2.0

import CLibvirt

/// What a domain is doing, and why.
public enum DomainState: Hashable, Sendable {
    case running
    case paused(PauseReason)
    case shuttingDown
    case shutOff(ShutoffReason)
    /// A guest panic that the domain's `on_crash` preserved.
    case crashed
    case other

    public enum PauseReason: Hashable, Sendable {
        /// A disk or other error of the host.
        case ioError
        case starting
        case other
    }

    /// Why it is off (virDomainShutoffReason).
    public enum ShutoffReason: Hashable, Sendable {
        /// The guest shut itself down.
        case shutdown
        /// Somebody had libvirt end it.
        case destroyed
        /// The guest panicked, or QEMU died.
        case crashed
        /// QEMU could not be started.
        case failed
        /// libvirt does not know: never started since it was defined, or the host went down.
        case unknown
    }

    init(state: Int32, reason: Int32) {
        switch UInt32(bitPattern: state) {
        case VIR_DOMAIN_RUNNING.rawValue, VIR_DOMAIN_BLOCKED.rawValue: self = .running
        case VIR_DOMAIN_PAUSED.rawValue: self = .paused(PauseReason(reason))
        case VIR_DOMAIN_SHUTDOWN.rawValue: self = .shuttingDown
        case VIR_DOMAIN_SHUTOFF.rawValue: self = .shutOff(ShutoffReason(reason))
        case VIR_DOMAIN_CRASHED.rawValue: self = .crashed
        default: self = .other
        }
    }
}

extension DomainState.PauseReason {
    init(_ reason: Int32) {
        switch UInt32(bitPattern: reason) {
        case VIR_DOMAIN_PAUSED_IOERROR.rawValue: self = .ioError
        case VIR_DOMAIN_PAUSED_STARTING_UP.rawValue: self = .starting
        default: self = .other
        }
    }
}

extension DomainState.ShutoffReason {
    init(_ reason: Int32) {
        switch UInt32(bitPattern: reason) {
        case VIR_DOMAIN_SHUTOFF_SHUTDOWN.rawValue: self = .shutdown
        case VIR_DOMAIN_SHUTOFF_DESTROYED.rawValue: self = .destroyed
        case VIR_DOMAIN_SHUTOFF_CRASHED.rawValue: self = .crashed
        case VIR_DOMAIN_SHUTOFF_FAILED.rawValue: self = .failed
        default: self = .unknown
        }
    }
}
