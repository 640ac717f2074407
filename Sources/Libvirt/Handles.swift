// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc

/// Owns a connection and closes it.
@safe
final class ConnectionHandle {
    let pointer: virConnectPtr

    @unsafe
    init(adopting pointer: virConnectPtr) {
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        _ = unsafe virConnectClose(pointer)
    }
}

/// Owns one reference to a domain.
@safe
struct DomainHandle: ~Copyable {
    let pointer: virDomainPtr

    @unsafe
    init(adopting pointer: virDomainPtr?, _ what: String) throws(LibvirtError) {
        guard let pointer = unsafe pointer else { throw LibvirtError.last(what) }
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        _ = unsafe virDomainFree(pointer)
    }

    var uuid: String {
        unsafe uuidText { unsafe virDomainGetUUIDString(pointer, $0) }
    }

    /// One metadata element, of the persistent definition; nil when there is none.
    func metadata(namespace: String) throws(LibvirtError) -> String? {
        let flags = UInt32(VIR_DOMAIN_AFFECT_CONFIG.rawValue)
        let type = Int32(VIR_DOMAIN_METADATA_ELEMENT.rawValue)
        if let element = unsafe takeString(virDomainGetMetadata(pointer, type, namespace, flags)) { return element }
        let error = LibvirtError.last("reading a domain's metadata")
        // A transient domain has no persistent definition, so it is not one of those looked for.
        if error.isNoMetadata || error.isInvalidState { return nil }
        throw error
    }

    func state() throws(LibvirtError) -> DomainState {
        var (state, reason): (Int32, Int32) = (0, 0)
        guard unsafe virDomainGetState(pointer, &state, &reason, 0) == 0 else {
            throw .last("reading a domain's state")
        }
        return DomainState(state: state, reason: reason)
    }
}

/// Owns one reference to a network.
@safe
struct NetworkHandle: ~Copyable {
    let pointer: virNetworkPtr

    @unsafe
    init(adopting pointer: virNetworkPtr?, _ what: String) throws(LibvirtError) {
        guard let pointer = unsafe pointer else { throw LibvirtError.last(what) }
        unsafe self.pointer = unsafe pointer
    }

    deinit {
        _ = unsafe virNetworkFree(pointer)
    }
}

/// Copies text that libvirt allocated, and frees it.
@unsafe
func takeString(_ text: UnsafeMutablePointer<CChar>?) -> String? {
    guard let text = unsafe text else { return nil }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
}

@unsafe
private func uuidText(_ fill: (UnsafeMutablePointer<CChar>) -> Int32) -> String {
    var buffer = [CChar](repeating: 0, count: Int(VIR_UUID_STRING_BUFLEN))
    return unsafe buffer.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress, unsafe fill(base) == 0 else { return "" }
        return unsafe String(cString: base)
    }
}
