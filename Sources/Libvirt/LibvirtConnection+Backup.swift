// SPDX-License-Identifier: Apache-2.0

import CLibvirt

extension LibvirtConnection {
    /// Seconds that a guest's agent may take to hold its file systems still.
    private static let freezeTimeout: Int32 = 20

    /// Has the guest's agent write all that it holds back, and hold its file systems still until ``thaw(_:)``.
    ///
    /// - Throws: what the guest's agent says, or that there is none.
    public func freeze(_ uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        guard unsafe virDomainAgentSetResponseTimeout(domain.pointer, Self.freezeTimeout, 0) == 0,
            unsafe virDomainFSFreeze(domain.pointer, nil, 0, 0) >= 0
        else { throw .last("holding a guest's file systems still") }
    }

    /// Lets the guest's file systems go on. Those that go on already are fine.
    public func thaw(_ uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        guard unsafe virDomainFSThaw(domain.pointer, nil, 0, 0) >= 0 else {
            throw .last("letting a guest's file systems go on")
        }
    }

    /// Begins to copy disks of a running domain as they are at this moment, into files that are there.
    public func beginBackup(_ xml: String, of uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        let flags = UInt32(VIR_DOMAIN_BACKUP_BEGIN_REUSE_EXTERNAL.rawValue)
        guard unsafe virDomainBackupBegin(domain.pointer, xml, nil, flags) == 0 else {
            throw .last("beginning to copy a disk")
        }
    }

    /// Whether a domain has a job such as a backup.
    public func hasJob(_ uuid: String) throws(LibvirtError) -> Bool {
        let domain = try domain(uuid)
        var info = virDomainJobInfo()
        guard unsafe virDomainGetJobInfo(domain.pointer, &info) == 0 else { throw .last("reading a domain's job") }
        return info.type != Int32(VIR_DOMAIN_JOB_NONE.rawValue)
    }

    /// Whether the last job that a domain had came to its end well.
    public func lastJobSucceeded(_ uuid: String) throws(LibvirtError) -> Bool {
        let domain = try domain(uuid)
        var (type, count): (Int32, Int32) = (0, 0)
        var parameters: virTypedParameterPtr?
        let flags = UInt32(VIR_DOMAIN_JOB_STATS_COMPLETED.rawValue)
        guard unsafe virDomainGetJobStats(domain.pointer, &type, &parameters, &count, flags) == 0 else {
            throw .last("reading what a domain's job came to")
        }
        unsafe virTypedParamsFree(parameters, count)
        return type == Int32(VIR_DOMAIN_JOB_COMPLETED.rawValue)
    }

    /// Ends the job that a domain has.
    public func abortJob(_ uuid: String) throws(LibvirtError) {
        let domain = try domain(uuid)
        guard unsafe virDomainAbortJob(domain.pointer) == 0 else { throw .last("ending a domain's job") }
    }
}
