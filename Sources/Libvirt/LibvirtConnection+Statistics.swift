// SPDX-License-Identifier: Apache-2.0

import CLibvirt

/// What a running domain has used since its hypervisor process began. What a driver does not count is nil.
public struct DomainStatistics: Hashable, Sendable {
    /// Lower case.
    public let uuid: String
    /// Nanoseconds of all processors together.
    public let cpuTime: UInt64?
    /// KiB that the domain's process has in memory.
    public let residentMemory: UInt64?
    /// KiB that the guest has at present.
    public let currentMemory: UInt64?
    /// Bytes that the guest received, over all interfaces.
    public let receivedBytes: UInt64?
    /// Bytes that the guest sent, over all interfaces.
    public let sentBytes: UInt64?
    /// Bytes read, over all disks.
    public let readBytes: UInt64?
    /// Bytes written, over all disks.
    public let writtenBytes: UInt64?
}

extension LibvirtConnection {
    /// The statistics of every running domain that has a metadata element in `namespace`, in one question.
    ///
    /// Those that cannot be had without a wait for another operation on the domain are left out.
    public func statistics(namespace: String) throws(LibvirtError) -> [DomainStatistics] {
        let kinds = [
            VIR_DOMAIN_STATS_CPU_TOTAL, VIR_DOMAIN_STATS_BALLOON, VIR_DOMAIN_STATS_INTERFACE, VIR_DOMAIN_STATS_BLOCK,
        ]
        let flags =
            VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING.rawValue | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT.rawValue
        var list: UnsafeMutablePointer<virDomainStatsRecordPtr?>?
        let count = unsafe virConnectGetAllDomainStats(
            try connection(),
            kinds.reduce(0) { $0 | UInt32($1.rawValue) },
            &list,
            UInt32(flags)
        )
        guard count >= 0, let list = unsafe list else { throw .last("reading domains' statistics") }
        defer { unsafe virDomainStatsRecordListFree(list) }
        var statistics: [DomainStatistics] = []
        for index in 0..<Int(count) {
            guard let record = unsafe list[index] else { continue }
            if let domain = unsafe try Self.statistics(record.pointee, namespace) { statistics.append(domain) }
        }
        return statistics
    }

    @unsafe
    private static func statistics(
        _ record: virDomainStatsRecord,
        _ namespace: String
    ) throws(LibvirtError) -> DomainStatistics? {
        // The record's reference is the list's; the handle's is ours.
        _ = unsafe virDomainRef(record.dom)
        let domain = unsafe try DomainHandle(adopting: record.dom, "reading a domain's statistics")
        do throws(LibvirtError) {
            guard try domain.metadata(namespace: namespace) != nil else { return nil }
        } catch  where error.isNotFound {
            // It went meanwhile.
            return nil
        }
        return unsafe DomainStatistics(
            uuid: domain.uuid,
            cpuTime: record.number("cpu.time"),
            residentMemory: record.number("balloon.rss"),
            currentMemory: record.number("balloon.current"),
            receivedBytes: record.sum("net", "rx.bytes"),
            sentBytes: record.sum("net", "tx.bytes"),
            readBytes: record.sum("block", "rd.bytes"),
            writtenBytes: record.sum("block", "wr.bytes")
        )
    }
}

extension virDomainStatsRecord {
    fileprivate func number(_ name: String) -> UInt64? {
        var value: UInt64 = 0
        return unsafe virTypedParamsGetULLong(params, nparams, name, &value) == 1 ? value : nil
    }

    /// Of all devices of a kind, such as `net.0.rx.bytes` and `net.1.rx.bytes`; nil where they are not counted.
    fileprivate func sum(_ kind: String, _ name: String) -> UInt64? {
        var count: UInt32 = 0
        guard unsafe virTypedParamsGetUInt(params, nparams, "\(kind).count", &count) == 1 else { return nil }
        return (0..<count).reduce(0) { unsafe $0 &+ (number("\(kind).\($1).\(name)") ?? 0) }
    }
}
