// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Postgres

extension VirtualMachineStore {
    /// The machines with these ids, deleted ones too, in the order of the ids given. One round trip.
    static func records(_ ids: [VirtualMachineID], _ transaction: Transaction) throws -> [VirtualMachineRecord] {
        guard !ids.isEmpty else { return [] }
        let results = try transaction.together([
            "SELECT \(raw: columns) FROM \(raw: tables) WHERE vm.id = ANY (\(ids)::bigint[])",
            "SELECT \(raw: ruleColumns) FROM security_rule s WHERE s.vm_id = ANY (\(ids)::bigint[])",
        ])
        let records = try records(results[...])
        return ids.compactMap { records[$0] }
    }

    /// The statements that read machines by their UUIDs, for those that are written in the same round trip.
    static func statements(of uuids: [MachineUUID]) -> [SQL] {
        [
            "SELECT \(raw: columns) FROM \(raw: tables) WHERE vm.uuid = ANY (\(uuids)::uuid[])",
            """
            SELECT \(raw: ruleColumns) FROM security_rule s
            WHERE s.vm_id = ANY (ARRAY(SELECT id FROM virtual_machine WHERE uuid = ANY (\(uuids)::uuid[])))
            """,
        ]
    }

    /// The machines by their ids, from the two results of ``statements(of:)``.
    static func records(
        _ results: ArraySlice<QueryResult>
    ) throws -> [VirtualMachineID: VirtualMachineRecord] {
        guard let machines = results.first, let rules = results.dropFirst().first else { return [:] }
        let rulesByMachine = try Self.rules(rules.rows)
        var records: [VirtualMachineID: VirtualMachineRecord] = [:]
        for row in machines.rows {
            let id: VirtualMachineID = try row["id"]
            records[id] = try record(id, row, rulesByMachine[id] ?? [])
        }
        return records
    }

    private static let columns: StaticString = """
        vm.id, vm.uuid, vm.organization_id, vm.name, vm.hostname, vm.vcpus, vm.memory_mib, vm.disk_gib,
        vm.gpu_type, vm.gpu_count, vm.callback_url, vm.assign_floating_ip, vm.enhanced_metrics, vm.mac, vm.desired,
        vm.generation, vm.applied_generation, vm.observed_power, vm.floating_ip_wired, vm.floating_ip_detaching,
        vm.activity_step, vm.activity_percent,
        vm.fault_code, vm.fault_message, vm.phase, vm.created_at, vm.updated_at, vm.deleted_at,
        e.id AS environment_id, e.name AS environment_name, r.id AS region_id, r.name AS region_name,
        f.id AS flavor_id, f.name AS flavor_name, i.id AS image_id, i.name AS image_name,
        i.type AS image_type, i.version AS image_version, n.id AS node_id, n.name AS node_name,
        coalesce(n.state = 'silent', false) AS node_silent,
        (SELECT p.address FROM private_address p WHERE p.vm_id = vm.id) AS private_address,
        coalesce((SELECT p.address FROM floating_ip p WHERE p.vm_id = vm.id),
            (SELECT p.address FROM floating_ip p WHERE p.next_vm_id = vm.id)) AS floating_ip,
        ARRAY(SELECT k.name FROM vm_key_binding k WHERE k.vm_id = vm.id ORDER BY k.position) AS key_names,
        ARRAY(SELECT l.label FROM vm_label l WHERE l.vm_id = vm.id ORDER BY l.label) AS labels,
        (SELECT json_agg(json_build_object('id', a.id, 'state', a.state, 'protected', a.protected,
                'created_at', extract(epoch FROM a.created_at), 'volume_id', v.id, 'uuid', v.uuid, 'name', v.name,
                'description', v.description, 'size_gib', v.size_gib, 'type', p.name,
                'bootable', v.image_id IS NOT NULL) ORDER BY a.id)
            FROM volume_attachment a JOIN volume v ON v.id = a.volume_id JOIN storage_pool p ON p.id = v.pool_id
            WHERE a.vm_id = vm.id) AS volumes,
        EXISTS (SELECT FROM snapshot s WHERE s.vm_id = vm.id AND s.state = 'creating') AS is_snapshotting,
        (SELECT d.reason FROM gpu_device d WHERE d.vm_id = vm.id AND d.reason IS NOT NULL ORDER BY d.address LIMIT 1)
            AS degraded_reason
        """

    private static let tables: StaticString = """
        virtual_machine vm
            JOIN environment e ON e.id = vm.environment_id
            JOIN region r ON r.id = e.region_id
            JOIN flavor f ON f.id = vm.flavor_id
            JOIN image i ON i.id = vm.image_id
            LEFT JOIN compute_node n ON n.id = vm.node_id
        """

    private static let ruleColumns: StaticString = """
        s.vm_id, s.id, s.direction, s.ethertype, s.protocol, s.remote, s.port_min, s.port_max, s.generation,
        s.created_at, EXISTS (SELECT FROM security_rule_change c WHERE c.vm_id = s.vm_id AND c.rule_id = s.id) AS is_changing
        """

    private static func record(
        _ id: VirtualMachineID,
        _ row: Row,
        _ rules: [VirtualMachineRecord.Rule]
    ) throws -> VirtualMachineRecord {
        try VirtualMachineRecord(
            id: id,
            uuid: row["uuid"],
            organizationID: row["organization_id"],
            name: row["name"],
            hostname: row["hostname"],
            environment: VirtualMachineRecord.Environment(
                id: row["environment_id"],
                name: row["environment_name"],
                regionID: row["region_id"],
                regionName: row["region_name"]
            ),
            flavor: VirtualMachineRecord.Flavor(
                id: row["flavor_id"],
                name: row["flavor_name"],
                resources: row.resources,
                gpuType: row["gpu_type"],
                gpuCount: row["gpu_count"]
            ),
            image: VirtualMachineRecord.Image(
                id: row["image_id"],
                name: row["image_name"],
                type: row["image_type"],
                version: row["image_version"]
            ),
            keyNames: row["key_names"],
            labels: row["labels"],
            securityRules: rules,
            volumes: volumes(row),
            isSnapshotting: row["is_snapshotting"],
            callbackURL: row["callback_url"],
            assignFloatingIP: row["assign_floating_ip"],
            hasEnhancedMetrics: row["enhanced_metrics"],
            mac: row["mac"],
            privateAddress: row["private_address"],
            floatingIP: row["floating_ip"],
            floatingIPWired: row["floating_ip_wired"],
            detachesFloatingIP: row["floating_ip_detaching"],
            desired: row["desired"],
            generation: row["generation"],
            appliedGeneration: row["applied_generation"],
            node: row.node,
            situation: MachineSituation(
                phase: row["phase"],
                observed: row["observed_power"],
                nodeSilent: row["node_silent"]
            ),
            activity: row.activity,
            fault: row.fault,
            degradedReason: row["degraded_reason"],
            createdAt: row["created_at"],
            updatedAt: row["updated_at"],
            deletedAt: row["deleted_at"]
        )
    }

    private static func volumes(_ row: Row) throws -> [VirtualMachineRecord.Volume] {
        guard let text: String = try row["volumes"] else { return [] }
        return try JSONDecoder().decode([VirtualMachineRecord.Volume].self, from: Data(text.utf8))
    }

    private static func rules(_ rows: [Row]) throws -> [VirtualMachineID: [VirtualMachineRecord.Rule]] {
        var rules: [VirtualMachineID: [VirtualMachineRecord.Rule]] = [:]
        for row in rows {
            let rule = try VirtualMachineRecord.Rule(
                id: row["id"],
                rule: row.securityRule,
                generation: row["generation"],
                isChanging: row["is_changing"],
                createdAt: row["created_at"]
            )
            rules[try row["vm_id"], default: []].append(rule)
        }
        // Sorted here: asked for in order, PostgreSQL might read all there are in that order rather than look some up.
        return rules.mapValues { $0.sorted { $0.id < $1.id } }
    }
}

// Groups of columns that several statements read.
extension Row {
    var resources: Resources {
        get throws {
            try Resources(vcpus: self["vcpus"], memoryMiB: self["memory_mib"], diskGiB: self["disk_gib"])
        }
    }

    var activity: Activity? {
        get throws {
            guard let step: String = try self["activity_step"] else { return nil }
            return try Activity(step: step, percent: self["activity_percent"])
        }
    }

    var fault: Fault? {
        get throws {
            guard let code: Fault.Code = try self["fault_code"] else { return nil }
            return try Fault(code, self["fault_message"] ?? "")
        }
    }

    var securityRule: SecurityRule {
        get throws {
            let (low, high): (Int?, Int?) = try (self["port_min"], self["port_max"])
            // The table has both or neither, in order.
            let range = low.flatMap { low in high.map { UInt16(clamping: low)...UInt16(clamping: max(low, $0)) } }
            return try SecurityRule(
                direction: self["direction"],
                etherType: self["ethertype"],
                protocol: self["protocol"],
                remote: self["remote"],
                ports: range
            )
        }
    }

    fileprivate var node: VirtualMachineRecord.Node? {
        get throws {
            guard let id: NodeID = try self["node_id"] else { return nil }
            return try VirtualMachineRecord.Node(id: id, name: self["node_name"])
        }
    }
}
