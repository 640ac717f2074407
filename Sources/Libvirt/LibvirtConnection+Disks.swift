// SPDX-License-Identifier: Apache-2.0

import CLibvirt

// Changes of a domain that runs. Its definition is changed by defining it again.
extension LibvirtConnection {
    /// What a running domain has now, as XML; nil when it does not run, or there is none.
    public func runningDomainXML(_ uuid: String) throws(LibvirtError) -> String? {
        do throws(LibvirtError) {
            let domain = try domain(uuid)
            guard unsafe virDomainIsActive(domain.pointer) == 1 else { return nil }
            guard let xml = unsafe takeString(virDomainGetXMLDesc(domain.pointer, 0)) else {
                throw .last("reading a domain")
            }
            return xml
        } catch  where error.isNotFound {
            return nil
        }
    }

    /// Gives a running domain a device.
    public func attachDevice(_ xml: String, to uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        guard unsafe virDomainAttachDeviceFlags(domain.pointer, xml, Self.live) == 0 else {
            throw .last("attaching a device")
        }
    }

    /// Asks the guest of a running domain to let go of a device. It is gone once the domain's XML has it no more.
    public func detachDevice(_ xml: String, from uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        guard unsafe virDomainDetachDeviceFlags(domain.pointer, xml, Self.live) == 0 else {
            throw .last("detaching a device")
        }
    }

    /// How many bytes a running domain's guest sees of a disk, by the disk's target, such as `vda`.
    public func diskCapacity(_ target: String, of uuid: String) throws(LibvirtError) -> UInt64 {
        let domain = try domain(uuid)
        var info = virDomainBlockInfo()
        guard unsafe virDomainGetBlockInfo(domain.pointer, target, &info, 0) == 0 else {
            throw .last("reading a disk's size")
        }
        return UInt64(info.capacity)
    }

    /// Makes a running domain's disk so many bytes large; the guest is told.
    public func resizeDisk(_ target: String, of uuid: String, to bytes: UInt64) throws(LibvirtError) {
        let domain = try domain(uuid)
        let flags = UInt32(VIR_DOMAIN_BLOCK_RESIZE_BYTES.rawValue)
        guard unsafe virDomainBlockResize(domain.pointer, target, CUnsignedLongLong(bytes), flags) == 0 else {
            throw .last("resizing a disk")
        }
    }

    private static var live: UInt32 { UInt32(VIR_DOMAIN_AFFECT_LIVE.rawValue) }
}
