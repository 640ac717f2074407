// SPDX-License-Identifier: Apache-2.0

import CLibvirt

extension LibvirtConnection {
    /// A new connection to a running domain's display.
    ///
    /// - Returns: A connected socket, which the caller closes.
    public func openGraphics(_ uuid: String) throws(LibvirtError) -> CInt {
        let domain = try domain(uuid)
        let descriptor = unsafe virDomainOpenGraphicsFD(domain.pointer, 0, 0)
        guard descriptor >= 0 else { throw .last("connecting to a domain's display") }
        return descriptor
    }
}
