// SPDX-License-Identifier: Apache-2.0

import CLibvirt

/// An error of libvirt's, read on the thread of the call that failed.
public struct LibvirtError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A `virErrorNumber`.
    public let code: Int
    public let message: String
    /// Whether the transport to the daemon failed rather than the daemon (`VIR_FROM_RPC`).
    private let isOfTransport: Bool

    init(code: Int, message: String, isOfTransport: Bool = false) {
        (self.code, self.message, self.isOfTransport) = (code, message, isOfTransport)
    }

    /// The calling thread's last error.
    static func last(_ what: String) -> LibvirtError {
        guard let error = unsafe virGetLastError() else { return LibvirtError(code: 1, message: what) }
        let text = unsafe error.pointee.message.map { unsafe String(cString: $0) } ?? ""
        return unsafe LibvirtError(
            code: Int(error.pointee.code),
            message: text.isEmpty ? what : text,
            isOfTransport: error.pointee.domain == Int32(VIR_FROM_RPC.rawValue)
        )
    }

    /// The connection to the daemon is gone or cannot be made.
    public var isConnectionLost: Bool {
        // A missing disk is a system error too, but not the transport's.
        if code == Self.number(VIR_ERR_SYSTEM_ERROR) { return isOfTransport }
        let codes = [VIR_ERR_RPC, VIR_ERR_NO_CONNECT, VIR_ERR_INVALID_CONN]
        return codes.map(Self.number).contains(code) || code == Self.closed
    }

    /// There is no such domain or network (any more).
    public var isNotFound: Bool {
        [VIR_ERR_NO_DOMAIN, VIR_ERR_NO_NETWORK].map(Self.number).contains(code)
    }

    /// The domain has no metadata element of the kind.
    var isNoMetadata: Bool { code == Self.number(VIR_ERR_NO_DOMAIN_METADATA) }

    /// The operation does not fit the state: starting what runs, stopping what is off.
    public var isInvalidState: Bool { code == Self.number(VIR_ERR_OPERATION_INVALID) }

    /// The guest has no agent, or one that does not answer.
    public var isGuestAgentMissing: Bool {
        [VIR_ERR_AGENT_UNRESPONSIVE, VIR_ERR_AGENT_UNSYNCED].map(Self.number)
            .contains(code)
    }

    public var description: String { "libvirt: \(message) (error \(code))" }

    /// Not one of libvirt's: our side closed the connection.
    static let closed = -1

    private static func number(_ code: virErrorNumber) -> Int { Int(code.rawValue) }
}
