// SPDX-License-Identifier: Apache-2.0

import CLibvirt

/// Something that happened in libvirt. Events are hints: some may be lost, so whoever needs to know looks as well.
public enum LibvirtEvent: Hashable, Sendable {
    /// A domain started, stopped, crashed, was paused or resumed. Its UUID.
    case domainChanged(String)
    /// The daemon went, or the connection broke.
    case connectionLost
}

extension LibvirtConnection {
    /// The open connection's events, the newest thousand of those not yet read.
    public func events() throws(LibvirtError) -> AsyncStream<LibvirtEvent> {
        let connection = unsafe try connection()
        let (stream, continuation) = AsyncStream.makeStream(
            of: LibvirtEvent.self,
            bufferingPolicy: .bufferingNewest(1000)
        )
        let box = EventBox(continuation)
        let lifecycle = unsafe gantry_on_lifecycle(connection, onLifecycle, box.retained(), EventBox.release)
        guard lifecycle >= 0 else { throw .last("listening to domains") }
        // The test driver knows no I/O errors, which is fine.
        _ = unsafe gantry_on_io_error(connection, onIOError, box.retained(), EventBox.release)
        _ = unsafe virConnectRegisterCloseCallback(connection, onClose, box.retained(), EventBox.release)
        return stream
    }
}

/// What the C callbacks reach: they yield and do no work.
private final class EventBox: Sendable {
    let continuation: AsyncStream<LibvirtEvent>.Continuation

    init(_ continuation: AsyncStream<LibvirtEvent>.Continuation) {
        self.continuation = continuation
    }

    /// A reference that libvirt holds until it calls ``release``.
    @unsafe
    func retained() -> UnsafeMutableRawPointer {
        unsafe Unmanaged.passRetained(self).toOpaque()
    }

    static let release: virFreeCallback = { pointer in
        if let pointer = unsafe pointer { unsafe Unmanaged<EventBox>.fromOpaque(pointer).release() }
    }

    @unsafe
    static func yield(_ event: LibvirtEvent, to pointer: UnsafeMutableRawPointer?) {
        guard let pointer = unsafe pointer else { return }
        unsafe Unmanaged<EventBox>.fromOpaque(pointer).takeUnretainedValue().continuation.yield(event)
    }

    @unsafe
    static func yieldChange(of domain: virDomainPtr?, to pointer: UnsafeMutableRawPointer?) {
        guard let domain = unsafe domain else { return }
        // The callback's reference is libvirt's; the handle's is ours.
        _ = unsafe virDomainRef(domain)
        guard let handle = unsafe try? DomainHandle(adopting: domain, "") else { return }
        unsafe yield(.domainChanged(handle.uuid), to: pointer)
    }
}

private let onLifecycle: virConnectDomainEventCallback = { _, domain, _, _, pointer in
    unsafe EventBox.yieldChange(of: domain, to: pointer)
    return 0
}

private let onIOError: virConnectDomainEventIOErrorReasonCallback = { _, domain, _, _, _, _, pointer in
    unsafe EventBox.yieldChange(of: domain, to: pointer)
}

private let onClose: virConnectCloseFunc = { _, _, pointer in
    unsafe EventBox.yield(.connectionLost, to: pointer)
}
