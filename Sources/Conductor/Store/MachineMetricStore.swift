// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel
package import GantryProtocol
package import Postgres

/// What machines used. It is a hint: samples may be missing, and the last ones may be lost with the database's host.
package struct MachineMetricStore: Sendable {
    private let database: Database

    package init(database: Database) {
        self.database = database
    }

    // MARK: - From nodes

    /// Keeps what a node has just measured, of its own machines; of one minute the newest sample.
    ///
    /// - Parameters:
    ///   - samples: those of other machines are ignored.
    ///   - node: that measured.
    ///   - moment: when. It is the conductor's, since hosts' clocks differ.
    /// - Returns: how many samples were kept.
    /// - Throws: `PostgresError`.
    @discardableResult
    package func keep(_ samples: [MachineSample], of node: NodeID, at moment: Date = .now) async throws -> Int {
        let (minute, fiveMinutes, hour) = (
            moment.begin(of: .minute), moment.begin(of: .fiveMinutes), moment.begin(of: .hour)
        )
        let statement: SQL = """
            INSERT INTO vm_metric (vm_id, minute, granularity, cpu_time, memory, network_in, network_out, disk_read,
                disk_written)
            SELECT DISTINCT ON (vm.id) vm.id, \(minute)::timestamptz,
                CASE WHEN NOT EXISTS (SELECT FROM vm_metric e WHERE e.vm_id = vm.id AND e.minute >= \(hour)::timestamptz
                        AND e.minute < \(hour)::timestamptz + interval '1 hour') THEN \(MetricGranularity.hour.rawValue)::integer
                    WHEN vm.enhanced_metrics OR NOT EXISTS (SELECT FROM vm_metric e WHERE e.vm_id = vm.id
                        AND e.minute >= \(fiveMinutes)::timestamptz
                        AND e.minute < \(fiveMinutes)::timestamptz + interval '5 minutes')
                    THEN \(MetricGranularity.fiveMinutes.rawValue)::integer
                    ELSE \(MetricGranularity.minute.rawValue)::integer END,
                s.cpu_time, s.memory, s.network_in, s.network_out, s.disk_read, s.disk_written
            FROM unnest(\(samples.map(\.uuid))::uuid[], \(samples.map(\.cpuTime))::bigint[],
                \(samples.map(\.memory))::bigint[], \(samples.map(\.networkIn))::bigint[],
                \(samples.map(\.networkOut))::bigint[], \(samples.map(\.diskRead))::bigint[],
                \(samples.map(\.diskWritten))::bigint[])
                AS s (uuid, cpu_time, memory, network_in, network_out, disk_read, disk_written)
                JOIN virtual_machine vm ON vm.uuid = s.uuid
            WHERE vm.node_id = \(node) ORDER BY vm.id
            ON CONFLICT (vm_id, minute) DO UPDATE
            SET cpu_time = excluded.cpu_time, memory = excluded.memory, network_in = excluded.network_in,
                network_out = excluded.network_out, disk_read = excluded.disk_read, disk_written = excluded.disk_written
            """
        return try await database.atomically([statement], durably: false)[0].affected
    }

    // MARK: - To tenants

    /// A machine's samples, oldest first; nil when the organization has no such machine.
    package func samples(
        of machine: VirtualMachineID,
        in organization: OrganizationID,
        back duration: MetricDuration,
        from now: Date = .now
    ) async throws -> [MachineMetricRecord]? {
        let begin = now.addingTimeInterval(-3600 * Double(duration.hours))
        return try await database.read { transaction in
            let known = try transaction.query(
                """
                SELECT enhanced_metrics FROM virtual_machine
                WHERE id = \(machine) AND organization_id = \(organization) AND deleted_at IS NULL
                """
            )
            guard let row = known.first else { return nil }
            let granularity = MetricGranularity(reachingBack: duration, isEnhanced: try row["enhanced_metrics"])
            let seconds = granularity.rawValue
            // Two conductors that wrote at once may both have taken theirs for the first of an hour.
            return
                try transaction.query(
                    """
                    SELECT DISTINCT ON (start) date_bin(make_interval(secs => \(seconds)), minute, 'epoch') AS start,
                        cpu_time, memory, network_in, network_out, disk_read, disk_written
                    FROM vm_metric WHERE vm_id = \(machine) AND granularity >= \(seconds) AND minute > \(begin)
                    ORDER BY start, minute
                    """
                )
                .map { try MachineMetricRecord($0, granularity) }
        }
    }

    /// Has each minute's samples of a machine kept as long as those of five minutes, or no longer.
    ///
    /// - Returns: the machine's name; nil when the organization has no such machine.
    package func setEnhanced(
        _ isEnhanced: Bool,
        of machine: VirtualMachineID,
        in organization: OrganizationID
    ) async throws -> String? {
        try await database.transaction { transaction in
            try transaction
                .query(
                    """
                    UPDATE virtual_machine SET enhanced_metrics = \(isEnhanced)
                    WHERE id = \(machine) AND organization_id = \(organization) AND deleted_at IS NULL RETURNING name
                    """
                )
                .first?["name"]
        }
    }
}

/// A machine's sample in a series.
package struct MachineMetricRecord: Sendable, Hashable {
    /// The begin of the interval that it stands for.
    package let time: Date
    /// The interval's length.
    package let granularity: MetricGranularity
    package let cpuTime: Int64?
    package let memory: Int64?
    package let networkIn: Int64?
    package let networkOut: Int64?
    package let diskRead: Int64?
    package let diskWritten: Int64?

    init(_ row: Row, _ granularity: MetricGranularity) throws(PostgresError) {
        time = try row["start"]
        self.granularity = granularity
        cpuTime = try row["cpu_time"]
        memory = try row["memory"]
        networkIn = try row["network_in"]
        networkOut = try row["network_out"]
        diskRead = try row["disk_read"]
        diskWritten = try row["disk_written"]
    }
}

extension Date {
    /// The begin of the interval of that length in which it is.
    fileprivate func begin(of granularity: MetricGranularity) -> Date {
        let length = Double(granularity.rawValue)
        return Date(timeIntervalSince1970: (timeIntervalSince1970 / length).rounded(.down) * length)
    }
}
