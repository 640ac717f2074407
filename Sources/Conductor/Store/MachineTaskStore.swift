// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
package import Postgres

/// Makes tasks of rows: what is wanted of machines on their nodes, at the moment of the look. There are none for nodes that
/// were not surveyed since the database was restored, nor of machines that their hosts no longer have.
///
/// Nor are there any of machines that are on some host as an orphan too. While hosts have yet to be heard, a machine that
/// could have gone to one of them waits: one that was never built here, and one with a volume that others reach too.
package enum MachineTaskStore {
    /// All that is wanted of a node.
    package static func tasks(of node: NodeID, _ transaction: Transaction) throws -> [MachineTask] {
        try transaction.query(
            """
            SELECT \(raw: columns) FROM \(raw: tables) WHERE vm.node_id = \(node) AND \(raw: due) ORDER BY vm.id
            """
        )
        .map(task)
    }

    /// What is wanted of some machines, each on the node where it is. Those that are on none are left out. A row that
    /// makes no task is handed to `unreadable`, so that it holds up no other.
    package static func tasks(
        of machines: [VirtualMachineID],
        _ transaction: Transaction,
        unreadable: (VirtualMachineID, any Error) -> Void
    ) throws -> [MachineTask] {
        try transaction.query(
            """
            SELECT \(raw: columns) FROM \(raw: tables)
            WHERE vm.id = ANY (\(machines)::bigint[]) AND \(raw: due) ORDER BY vm.id
            """
        )
        .compactMap { row in
            do {
                return try task(row)
            } catch {
                unreadable(try row["id"], error)
                return nil
            }
        }
    }

    private static let columns: StaticString = """
        vm.id, vm.uuid, n.name AS node, n.epoch, vm.generation, vm.boot_counter,
        CASE WHEN vm.evicting THEN 'absent' ELSE vm.desired END AS wanted,
        vm.name, vm.hostname, vm.vcpus, vm.memory_mib, vm.disk_gib, vm.user_data, vm.mac,
        e.id AS environment_id, e.subnet,
        (SELECT p.address FROM private_address p WHERE p.vm_id = vm.id) AS private_address,
        (SELECT f.address FROM floating_ip f WHERE f.vm_id = vm.id AND vm.assign_floating_ip) AS floating_ip,
        i.name AS image_name, i.url AS image_url, i.sha256 AS image_sha256, i.format AS image_format,
        ARRAY(SELECT k.public_key FROM vm_key_binding k WHERE k.vm_id = vm.id ORDER BY k.position) AS keys,
        ARRAY(SELECT concat_ws(' ', s.direction, s.ethertype, s.protocol, s.remote, s.port_min, s.port_max)
            FROM security_rule s WHERE s.vm_id = vm.id ORDER BY s.id)
        || ARRAY(SELECT concat_ws(' ', s.direction, s.ethertype, s.protocol, s.remote, s.port_min, s.port_max)
            FROM firewall_attachment a JOIN firewall_rule s ON s.firewall_id = a.firewall_id
            WHERE a.vm_id = vm.id ORDER BY s.id) AS rules,
        ARRAY(SELECT json_build_object('address', d.address, 'functions', d.functions, 'claim', d.claim)::text
            FROM gpu_device d WHERE d.vm_id = vm.id ORDER BY d.address) AS gpus,
        ARRAY(SELECT jsonb_build_object('id', j.id, 'work', j.work)::text FROM machine_job j
            WHERE j.vm_id = vm.id AND j.state = 'pending' AND j.expires_at > now() ORDER BY j.id) AS jobs,
        (SELECT json_agg(json_build_object('uuid', v.uuid, 'pool', p.name, 'size_gib', v.size_gib,
                'is_new', v.state <> 'made', 'is_root', a.boot, 'image', CASE WHEN v.state <> 'made' AND w.id IS NOT NULL
                    THEN json_build_object('name', w.name, 'url', w.url, 'sha256', w.sha256, 'format', w.format) END
            ) ORDER BY a.id)
            FROM volume_attachment a JOIN volume v ON v.id = a.volume_id JOIN storage_pool p ON p.id = v.pool_id
                LEFT JOIN image w ON w.id = v.image_id
            WHERE a.vm_id = vm.id AND a.state <> 'detaching') AS volumes
        """

    private static let tables: StaticString = """
        virtual_machine vm
            JOIN compute_node n ON n.id = vm.node_id
            JOIN environment e ON e.id = vm.environment_id
            JOIN image i ON i.id = vm.image_id
        """

    private static let due: StaticString = """
        NOT n.unsurveyed AND vm.fault_code IS DISTINCT FROM 'machine_missing'
        AND NOT EXISTS (SELECT FROM orphan o WHERE o.uuid = vm.uuid)
        AND NOT (EXISTS (SELECT FROM compute_node w WHERE w.region_id = n.region_id AND w.awaited)
            AND vm.created_at < (SELECT updated_at FROM database_place)
            AND (vm.applied_generation = 0 OR EXISTS (
                SELECT FROM volume_attachment a JOIN volume v ON v.id = a.volume_id
                WHERE a.vm_id = vm.id AND v.node_id IS NULL)))
        """

    private static func task(_ row: Row) throws -> MachineTask {
        let power: WantedPower = try row["wanted"]
        return try MachineTask(
            node: row["node"],
            epoch: row["epoch"],
            machineID: row["id"],
            uuid: row["uuid"],
            generation: row["generation"],
            power: power,
            bootCounter: row["boot_counter"],
            spec: power == .absent ? nil : spec(row),
            jobs: power == .absent ? [] : jobs(row)
        )
    }

    private static func spec(_ row: Row) throws -> MachineSpec {
        let rules: [String] = try row["rules"]
        let gpus: [String] = try row["gpus"]
        return try MachineSpec(
            name: row["name"],
            hostname: row["hostname"],
            resources: row.resources,
            image: ImageSource(
                name: row["image_name"],
                url: row["image_url"],
                sha256: row["image_sha256"],
                format: row["image_format"]
            ),
            authorizedKeys: row["keys"],
            userData: row["user_data"],
            network: NetworkAttachment(
                environmentID: row["environment_id"],
                subnet: row["subnet"],
                address: row["private_address"],
                mac: row["mac"],
                floatingIP: row["floating_ip"]
            ),
            securityRules: rules.map(rule),
            gpus: gpus.map { try NodeJSON.decoder.decode(GPUAssignment.self, from: Data($0.utf8)) },
            volumes: volumes(row)
        )
    }

    private static func jobs(_ row: Row) throws -> [MachineJob] {
        let jobs: [String] = try row["jobs"]
        return try jobs.map { try NodeJSON.decoder.decode(MachineJob.self, from: Data($0.utf8)) }
    }

    /// Written by the database in the words of the protocol.
    private static func volumes(_ row: Row) throws -> [VolumeSpec] {
        guard let text: String = try row["volumes"] else { return [] }
        return try NodeJSON.decoder.decode([VolumeSpec].self, from: Data(text.utf8))
    }

    /// Reads `ingress IPv4 tcp 192.0.2.0/24 22 22`; ports may be missing.
    private static func rule(_ text: String) throws -> SecurityRule {
        let words = text.split(separator: " ").map(String.init)
        guard words.count == 4 || words.count == 6,
            let direction = SecurityRule.Direction(rawValue: words[0]),
            let etherType = SecurityRule.EtherType(rawValue: words[1])
        else {
            throw PostgresError(.decoding, "a security rule cannot be read")
        }
        let ports = words.dropFirst(4).compactMap { UInt16($0) }
        return SecurityRule(
            direction: direction,
            etherType: etherType,
            protocol: words[2],
            remote: try IPPrefix(words[3]),
            ports: ports.count == 2 && ports[0] <= ports[1] ? ports[0]...ports[1] : nil
        )
    }
}
