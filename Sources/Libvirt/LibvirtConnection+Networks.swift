// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc

extension LibvirtConnection {
    /// The names of every network, active or not.
    public func networkNames() throws(LibvirtError) -> [String] {
        var list: UnsafeMutablePointer<virNetworkPtr?>?
        let count = unsafe virConnectListAllNetworks(try connection(), &list, 0)
        guard count >= 0, let list = unsafe list else { throw .last("listing networks") }
        defer { unsafe free(list) }
        return (0..<Int(count))
            .compactMap { index in
                guard let network = unsafe list[index] else { return nil }
                defer { _ = unsafe virNetworkFree(network) }
                return unsafe String(cString: virNetworkGetName(network))
            }
    }

    /// A network's definition as XML; nil when there is none of that name.
    public func networkXML(_ name: String) throws(LibvirtError) -> String? {
        do throws(LibvirtError) {
            let network = try network(name)
            guard let xml = unsafe takeString(virNetworkGetXMLDesc(network.pointer, 0)) else {
                throw .last("reading a network")
            }
            return xml
        } catch  where error.isNotFound {
            return nil
        }
    }

    /// Defines a network where there is none of its name yet, and starts it; fine where it runs already.
    public func startNetwork(_ name: String, xml: String) throws(LibvirtError) {
        let network: NetworkHandle
        if let known = try networkOrNil(name) {
            network = known
        } else {
            network = try defineNetwork(xml)
        }
        guard unsafe virNetworkIsActive(network.pointer) != 1 else { return }
        if unsafe virNetworkCreate(network.pointer) != 0 { throw .last("starting a network") }
    }

    /// Stops a network and removes its definition. None is fine.
    public func removeNetwork(_ name: String) throws(LibvirtError) {
        do throws(LibvirtError) {
            let network = try network(name)
            if unsafe virNetworkIsActive(network.pointer) == 1, unsafe virNetworkDestroy(network.pointer) != 0 {
                throw .last("stopping a network")
            }
            guard unsafe virNetworkUndefine(network.pointer) == 0 else { throw .last("removing a network") }
        } catch  where error.isNotFound {
            return
        }
    }

    /// How a network's list of DHCP hosts changes.
    public enum HostChange: Sendable {
        case add, remove
    }

    /// Adds or removes one `<host …/>` of a network's DHCP, in its definition and live.
    public func changeHost(_ change: HostChange, _ hostXML: String, of name: String) throws(LibvirtError) {
        let network = try network(name)
        let command =
            switch change {
            case .add: VIR_NETWORK_UPDATE_COMMAND_ADD_LAST
            case .remove: VIR_NETWORK_UPDATE_COMMAND_DELETE
            }
        let isActive = unsafe virNetworkIsActive(network.pointer) == 1
        let live = isActive ? UInt32(VIR_NETWORK_UPDATE_AFFECT_LIVE.rawValue) : 0
        let status = unsafe virNetworkUpdate(
            network.pointer,
            UInt32(command.rawValue),
            UInt32(VIR_NETWORK_SECTION_IP_DHCP_HOST.rawValue),
            -1,
            hostXML,
            UInt32(VIR_NETWORK_UPDATE_AFFECT_CONFIG.rawValue) | live
        )
        guard status == 0 else { throw .last("changing a network's DHCP hosts") }
    }

    private func defineNetwork(_ xml: String) throws(LibvirtError) -> NetworkHandle {
        unsafe try NetworkHandle(adopting: virNetworkDefineXML(connection(), xml), "defining a network")
    }

    private func networkOrNil(_ name: String) throws(LibvirtError) -> NetworkHandle? {
        do throws(LibvirtError) {
            return try network(name)
        } catch  where error.isNotFound {
            return nil
        }
    }

    private func network(_ name: String) throws(LibvirtError) -> NetworkHandle {
        unsafe try NetworkHandle(adopting: virNetworkLookupByName(connection(), name), "looking for network \(name)")
    }
}
