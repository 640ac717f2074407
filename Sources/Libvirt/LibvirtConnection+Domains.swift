// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc

/// A domain as it was when it was looked at.
public struct DomainInfo: Hashable, Sendable {
    /// Lower case.
    public let uuid: String
    public let state: DomainState
    /// The element in the namespace that was asked for.
    public let metadata: String
}

extension LibvirtConnection {
    /// Every domain, running or not, that has a metadata element in `namespace`.
    public func domains(namespace: String) throws(LibvirtError) -> [DomainInfo] {
        var list: UnsafeMutablePointer<virDomainPtr?>?
        let count = unsafe virConnectListAllDomains(try connection(), &list, 0)
        guard count >= 0, let list = unsafe list else { throw .last("listing domains") }
        defer { unsafe free(list) }
        var infos: [DomainInfo] = []
        // Every handle is adopted before anything can throw, so that none is leaked.
        var failure: LibvirtError?
        for index in 0..<Int(count) {
            do throws(LibvirtError) {
                let domain = unsafe try DomainHandle(adopting: list[index], "listing domains")
                if let info = try Self.info(domain, namespace) { infos.append(info) }
            } catch  where error.isNotFound {
                // It went between the list and the look.
                continue
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return infos
    }

    /// The domain with this UUID; nil when there is none, or it has no metadata element in `namespace`.
    public func domain(_ uuid: String, namespace: String) throws(LibvirtError) -> DomainInfo? {
        do throws(LibvirtError) {
            return try Self.info(try domain(uuid), namespace)
        } catch  where error.isNotFound {
            return nil
        }
    }

    private static func info(
        _ domain: borrowing DomainHandle,
        _ namespace: String
    ) throws(LibvirtError) -> DomainInfo? {
        guard let metadata = try domain.metadata(namespace: namespace) else { return nil }
        return DomainInfo(uuid: domain.uuid, state: try domain.state(), metadata: metadata)
    }

    /// Defines a domain, or redefines the one with its UUID.
    public func defineDomain(xml: String) throws(LibvirtError) {
        let flags = UInt32(VIR_DOMAIN_DEFINE_VALIDATE.rawValue)
        _ = unsafe try DomainHandle(adopting: virDomainDefineXMLFlags(connection(), xml, flags), "defining a domain")
    }

    /// Starts a defined domain. One that runs is fine.
    public func startDomain(_ uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        if unsafe virDomainCreate(domain.pointer) != 0 {
            let error = LibvirtError.last("starting a domain")
            guard try domain.state() == .running else { throw error }
        }
    }

    /// Presses the power button. The guest may ignore it; one that is off already is fine.
    public func shutDownDomain(_ uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        try checkUnlessInvalidState(unsafe virDomainShutdown(domain.pointer), "shutting a domain down")
    }

    /// Ends the domain at once. One that is off already is fine.
    public func destroyDomain(_ uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        try checkUnlessInvalidState(unsafe virDomainDestroy(domain.pointer), "ending a domain")
    }

    /// Removes a domain's definition and its firmware variables. None is fine.
    public func undefineDomain(_ uuid: String) throws(LibvirtError) {
        let flags = VIR_DOMAIN_UNDEFINE_NVRAM.rawValue | VIR_DOMAIN_UNDEFINE_MANAGED_SAVE.rawValue
        do throws(LibvirtError) {
            let domain = try domain(uuid)
            if unsafe virDomainUndefineFlags(domain.pointer, flags) == 0 { return }
            // A driver without firmware variables refuses the flags.
            guard unsafe virDomainUndefine(domain.pointer) == 0 else { throw .last("removing a domain") }
        } catch  where error.isNotFound {
            return
        }
    }

    public func domainState(_ uuid: String) throws(LibvirtError) -> DomainState {
        try domain(uuid).state()
    }

    func domain(_ uuid: String) throws(LibvirtError) -> DomainHandle {
        unsafe try DomainHandle(adopting: virDomainLookupByUUIDString(connection(), uuid), "looking for domain \(uuid)")
    }

    private func checkUnlessInvalidState(_ status: Int32, _ what: String) throws(LibvirtError) {
        guard status != 0 else { return }
        let error = LibvirtError.last(what)
        if !error.isInvalidState { throw error }
    }
}
