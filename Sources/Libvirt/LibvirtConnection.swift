// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import DedicatedThread

/// A connection to libvirt, whose calls block a thread of their own.
///
/// libvirt allows calls from any thread; the one thread keeps the thread-local error with its call.
@safe
public actor LibvirtConnection {
    private let thread = DedicatedThread(name: "libvirt")
    private var handle: ConnectionHandle?

    public nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    /// The connection is not open yet; see ``open(uri:)``.
    public init() {}

    /// Opens the connection. One that is open already is closed first.
    ///
    /// - Parameter uri: Such as `qemu:///system`.
    /// - Throws: what libvirt says when nothing answers there.
    public func open(uri: String) throws(LibvirtError) {
        close()
        EventLoop.started
        guard let connection = unsafe virConnectOpen(uri) else { throw .last("connecting to \(uri)") }
        // A daemon that hangs is noticed after half a minute; drivers without a daemon refuse this, which is fine.
        _ = unsafe virConnectSetKeepAlive(connection, 5, 5)
        handle = unsafe ConnectionHandle(adopting: connection)
    }

    /// Opens the connection unless it is alive.
    ///
    /// - Returns: Whether it was opened now.
    public func openIfNeeded(uri: String) throws(LibvirtError) -> Bool {
        if isAlive { return false }
        try open(uri: uri)
        return true
    }

    public func close() {
        handle = nil
    }

    public var isAlive: Bool {
        guard let handle else { return false }
        return unsafe virConnectIsAlive(handle.pointer) == 1
    }

    /// The open connection, for a call on this thread.
    @unsafe
    func connection() throws(LibvirtError) -> virConnectPtr {
        guard let handle else { throw LibvirtError(code: LibvirtError.closed, message: "the connection is closed") }
        return unsafe handle.pointer
    }

    /// The library's version as `9.0.0`.
    public func version() throws(LibvirtError) -> String {
        var number: CUnsignedLong = 0
        guard unsafe virConnectGetLibVersion(try connection(), &number) == 0 else { throw .last("reading the version") }
        return "\(number / 1_000_000).\(number / 1000 % 1000).\(number % 1000)"
    }

    /// What this hypervisor can do for one kind of guest, as libvirt's `domainCapabilities` XML.
    public func domainCapabilities(virtType: String, machine: String) throws(LibvirtError) -> String {
        guard
            let xml = unsafe try takeString(
                virConnectGetDomainCapabilities(connection(), nil, "x86_64", machine, virtType, 0)
            )
        else { throw .last("reading the hypervisor's capabilities") }
        return xml
    }
}
