// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Postgres
import Testing

/// A small cloud in a database of its own: one organization with an environment, an image, a key, and flavors.
struct Cloud: Sendable {
    let database: Database
    let organization: OrganizationID
    let user: UserID
    let region: RegionID
    let environment: EnvironmentID
    let image: ImageID
    let key: KeyID
    /// 1 vCPU, 512 MiB, 5 GiB.
    let small: FlavorID
    /// The same with two GPUs of type `H100`.
    let gpu: FlavorID
    let outbox = OutboxSignal()

    var lifecycle: MachineLifecycle { MachineLifecycle(database: database, outbox: outbox) }
    var store: VirtualMachineStore { VirtualMachineStore(database: database) }

    /// Runs a test with a cloud whose environment has `addresses` private and `floatingIPs` floating addresses.
    static func with(
        subnet: String = "10.1.0.0/22",
        pool: String = "203.0.113.0/24",
        _ body: (Cloud) async throws -> Void
    ) async throws {
        try await withURL(subnet: subnet, pool: pool) { cloud, _ in try await body(cloud) }
    }

    /// The same with the database's URL, for programs that work on it.
    static func withURL(
        subnet: String = "10.1.0.0/22",
        pool: String = "203.0.113.0/24",
        _ body: (Cloud, String) async throws -> Void
    ) async throws {
        try await withTemporaryDatabaseURL { url in
            let database = Database(try DatabaseConfiguration(url: url))
            try await Schema.migrate(database)
            try await body(Cloud(database, subnet: subnet, pool: pool), url)
        }
    }

    private init(_ database: Database, subnet: String, pool: String) async throws {
        self.database = database
        let ids = try await database.transaction { transaction in
            func insert(_ statement: SQL) throws -> Int64 {
                try #require(try transaction.query(statement).first)["id"]
            }
            let organization = try insert("INSERT INTO organization (name) VALUES ('acme') RETURNING id")
            let user = try insert(
                "INSERT INTO user_account (organization_id, name) VALUES (\(organization), 'ada') RETURNING id"
            )
            let region = try insert("INSERT INTO region (name) VALUES ('TEST-1') RETURNING id")
            let environment = try insert(
                """
                INSERT INTO environment (organization_id, region_id, name, subnet)
                VALUES (\(organization), \(region), 'default', \(subnet)) RETURNING id
                """
            )
            try AddressStore.addPrivateAddresses(of: EnvironmentID(environment), in: transaction)
            let image = try insert(
                """
                INSERT INTO image (region_id, name, url, sha256, format)
                VALUES (\(region), 'micro', 'file:///micro.qcow2', \(String(repeating: "a", count: 64)), 'qcow2')
                RETURNING id
                """
            )
            let key = try insert(
                """
                INSERT INTO key (environment_id, name, public_key, fingerprint)
                VALUES (\(environment), 'laptop', 'ssh-ed25519 AAAA ada', 'aa:bb') RETURNING id
                """
            )
            let small = try insert(
                """
                INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib)
                VALUES (\(region), 'small', 1, 512, 5) RETURNING id
                """
            )
            let gpu = try insert(
                """
                INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib, gpu_type, gpu_count)
                VALUES (\(region), 'gpu', 1, 512, 5, 'H100', 2) RETURNING id
                """
            )
            let poolID = try insert(
                """
                INSERT INTO floating_ip_pool (region_id, name, network) VALUES (\(region), 'public', \(pool))
                RETURNING id
                """
            )
            try AddressStore.addFloatingIPs(of: FloatingIPPoolID(poolID), in: transaction)
            return [organization, user, region, environment, image, key, small, gpu]
        }
        organization = OrganizationID(ids[0])
        user = UserID(ids[1])
        region = RegionID(ids[2])
        environment = EnvironmentID(ids[3])
        image = ImageID(ids[4])
        key = KeyID(ids[5])
        small = FlavorID(ids[6])
        gpu = FlavorID(ids[7])
    }

    /// A request for machines of the small flavor with the one key.
    func request(_ name: String? = nil, count: Int = 1, flavor: FlavorID? = nil) -> MachineCreation {
        MachineCreation(
            organization: organization,
            user: user,
            environment: environment,
            flavor: flavor ?? small,
            image: image,
            keys: [key],
            name: name,
            count: count
        )
    }

    /// Adds a node that is up, without an agent.
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - total: what it has.
    ///   - gpus: the NUMA nodes of its devices of type `H100`.
    /// - Returns: its id.
    /// - Throws: `PostgresError`.
    @discardableResult
    func addNode(
        _ name: String,
        _ total: Resources = Resources(vcpus: 16, memoryMiB: 65536, diskGiB: 1000),
        gpus: [Int] = []
    ) async throws -> NodeID {
        try await database.transaction { transaction in
            let rows = try transaction.query(
                """
                INSERT INTO compute_node (region_id, name, api_key_digest, hostname, state, has_gpu,
                    vcpus, memory_mib, disk_gib)
                VALUES (\(region), \(name), sha256(convert_to(\(name), 'UTF8')), \(name), 'up', \(!gpus.isEmpty),
                    \(total.vcpus), \(total.memoryMiB), \(total.diskGiB))
                RETURNING id
                """
            )
            let id: NodeID = try #require(rows.first)["id"]
            try transaction.execute(
                """
                INSERT INTO gpu_device (node_id, address, model, gpu_type, numa_node, iommu_group, functions, state)
                SELECT \(id), format('0000:%s:00.0', lpad(to_hex(n), 2, '0')), 'GH100', 'H100', numa, n, '[]', 'free'
                FROM unnest(\(gpus)::integer[]) WITH ORDINALITY AS device (numa, n)
                """
            )
            return id
        }
    }

    /// Connections of their own, as another conductor has.
    func anotherPool() -> Database {
        var configuration = database.configuration
        configuration.maximumConnections = 3
        return Database(configuration)
    }

    /// One number from a statement, such as `SELECT count(*) AS number …`.
    func number(_ statement: SQL) async throws -> Int {
        try await database.read { try #require(try $0.query(statement).first)["number"] }
    }

    /// Runs a statement.
    func execute(_ statement: SQL) async throws {
        _ = try await database.transaction { try $0.execute(statement) }
    }

    /// Checks that what is claimed is exactly what machines hold, by the tables alone.
    func audit(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for (rule, statement) in Self.invariants {
            #expect(try await number(statement) == 0, "\(rule)", sourceLocation: sourceLocation)
        }
    }

    /// Statements that count violations.
    private static let invariants: [(String, SQL)] = [
        (
            "a node's counters are the sums of its machines, volumes and orphans",
            """
            SELECT count(*) AS number FROM compute_node n, LATERAL (
                SELECT coalesce(sum(vcpus), 0) AS vcpus, coalesce(sum(memory_mib), 0) AS memory,
                    coalesce(sum(disk_gib), 0) AS disk
                FROM orphan WHERE node_id = n.id
            ) o, LATERAL (
                SELECT coalesce(sum(vcpus) FILTER (WHERE holds_compute), 0) + o.vcpus AS vcpus,
                    coalesce(sum(memory_mib) FILTER (WHERE holds_compute), 0) + o.memory AS memory,
                    coalesce(sum(disk_gib), 0) + o.disk
                        + (SELECT coalesce(sum(size_gib), 0) FROM volume v WHERE v.node_id = n.id) AS disk
                FROM virtual_machine vm WHERE vm.node_id = n.id
            ) s WHERE (n.allocated_vcpus, n.allocated_memory_mib, n.allocated_disk_gib)
                IS DISTINCT FROM (s.vcpus, s.memory, s.disk)
            """
        ),
        (
            "no node holds more than it may",
            """
            SELECT count(*) AS number FROM compute_node WHERE NOT shrunk AND (allocated_vcpus > limit_vcpus
                OR allocated_memory_mib > limit_memory_mib OR allocated_disk_gib > limit_disk_gib)
            """
        ),
        (
            "a machine on a node has exactly its GPUs, there and nowhere else",
            """
            SELECT count(*) AS number FROM virtual_machine vm
            WHERE vm.gpu_count * (vm.node_id IS NOT NULL AND vm.holds_compute)::integer <> (
                SELECT count(*) FROM gpu_device d WHERE d.vm_id = vm.id AND d.node_id = vm.node_id
                    AND d.gpu_type = vm.gpu_type AND d.state = 'allocated')
                OR EXISTS (SELECT FROM gpu_device d WHERE d.vm_id = vm.id AND d.node_id IS DISTINCT FROM vm.node_id)
            """
        ),
        (
            "no function of a GPU is in two machines",
            """
            SELECT count(*) AS number FROM (
                SELECT FROM gpu_device d, jsonb_array_elements(d.functions) AS function WHERE d.vm_id IS NOT NULL
                GROUP BY d.node_id, function ->> 'address' HAVING count(DISTINCT d.vm_id) > 1) f
            """
        ),
        (
            "a GPU is released once its next claim is made, and clean after its newest before it is free",
            """
            SELECT count(*) AS number FROM gpu_use u JOIN gpu_device d ON d.id = u.gpu_id
            WHERE (u.vm_id IS NOT NULL AND u.released_at IS NULL)
                    <> (u.claim = d.claim AND d.state = 'allocated')
                OR d.state = 'free' AND u.claim = d.claim AND u.cleaned_at IS NULL
            """
        ),
        (
            "a machine that exists has a private address, a deleted one has none",
            """
            SELECT count(*) AS number FROM virtual_machine vm WHERE (vm.deleted_at IS NULL) <> EXISTS (
                SELECT FROM private_address p WHERE p.vm_id = vm.id AND p.environment_id = vm.environment_id)
            """
        ),
        (
            "a machine that exists has the floating IP it asked for or still gives up, any other has none",
            """
            SELECT count(*) AS number FROM virtual_machine vm
            WHERE (vm.deleted_at IS NULL AND (vm.assign_floating_ip OR vm.floating_ip_detaching)) <>
                EXISTS (SELECT FROM floating_ip f WHERE f.vm_id = vm.id)
            """
        ),
        (
            "no two machines share a MAC",
            """
            SELECT count(*) AS number FROM (SELECT mac FROM virtual_machine WHERE deleted_at IS NULL
                GROUP BY mac HAVING count(*) > 1) m
            """
        ),
    ]
}
