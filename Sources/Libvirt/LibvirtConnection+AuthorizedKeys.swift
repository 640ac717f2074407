// SPDX-License-Identifier: Apache-2.0

import CLibvirt
import Glibc

extension LibvirtConnection {
    /// Seconds that a guest's agent may take for one answer.
    private static let agentTimeout: Int32 = 5

    /// The lines of a user's `authorized_keys` file, as the guest's agent tells them.
    ///
    /// - Throws: what the guest's agent says, such as that there is no such user.
    public func authorizedKeys(of user: String, in uuid: String) throws(LibvirtError) -> [String] {
        let domain = try domain(uuid)
        try setAgentTimeout(domain)
        var list: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        let count = unsafe virDomainAuthorizedSSHKeysGet(domain.pointer, user, &list, 0)
        guard count >= 0 else { throw .last("reading a guest's keys") }
        guard let list = unsafe list else { return [] }
        defer { unsafe free(list) }
        return (0..<Int(count)).compactMap { unsafe takeString(list[$0]) }
    }

    /// Adds lines to a user's `authorized_keys` file where they are not there, or takes them out where they are.
    ///
    /// - Throws: what the guest's agent says.
    public func changeAuthorizedKeys(
        of user: String,
        in uuid: String,
        adding added: [String],
        removing removed: [String]
    ) throws(LibvirtError) {
        let domain = try domain(uuid)
        try setAgentTimeout(domain)
        try set(added, of: user, domain, VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND)
        try set(removed, of: user, domain, VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE)
    }

    private func set(
        _ lines: [String],
        of user: String,
        _ domain: borrowing DomainHandle,
        _ flag: virDomainAuthorizedSSHKeysSetFlags
    ) throws(LibvirtError) {
        guard !lines.isEmpty else { return }
        var texts: [UnsafePointer<CChar>?] = unsafe lines.map { unsafe UnsafePointer(strdup($0)) }
        defer { unsafe texts.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        let status = unsafe virDomainAuthorizedSSHKeysSet(
            domain.pointer,
            user,
            &texts,
            UInt32(lines.count),
            UInt32(flag.rawValue)
        )
        guard status == 0 else { throw .last("changing a guest's keys") }
    }

    /// A guest that never answers would hold this thread for ever.
    private func setAgentTimeout(_ domain: borrowing DomainHandle) throws(LibvirtError) {
        guard unsafe virDomainAgentSetResponseTimeout(domain.pointer, Self.agentTimeout, 0) == 0 else {
            throw .last("limiting the wait for a guest")
        }
    }
}
