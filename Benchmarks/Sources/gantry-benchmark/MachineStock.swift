// SPDX-License-Identifier: Apache-2.0

import Postgres

/// Machines that are no more than rows of the test data's organization: a thousand in each of its environments, each
/// with a key, two labels, three rules, an address and a history.
struct MachineStock: Sendable {
    private let database: Database

    private static let perEnvironment = 1000

    /// - Parameter url: of the database.
    /// - Throws: for a URL that cannot be read.
    init(_ url: String) throws {
        database = Database(try DatabaseConfiguration(url: url, maximumConnections: 1))
    }

    /// Adds machines until there are `count`.
    func grow(to count: Int) async throws {
        try await database.transaction { transaction in
            for statement in Self.statements(count) { try transaction.execute(statement) }
        }
    }

    private static func statements(_ count: Int) -> [SQL] {
        [
            """
            INSERT INTO environment (organization_id, region_id, name, subnet)
            SELECT e.organization_id, e.region_id, 'stock-' || n,
                set_masklen(('10.128.0.0'::inet + n::bigint * 1024)::cidr, 22)
            FROM environment e, generate_series(0, \((count - 1) / perEnvironment)) n WHERE e.name = 'TestEnv'
            ON CONFLICT DO NOTHING
            """,
            """
            INSERT INTO compute_node (region_id, name, api_key_digest, state)
            SELECT id, 'stock', sha256('stock'), 'up' FROM region ON CONFLICT DO NOTHING
            """,
            """
            WITH vm AS (
                INSERT INTO virtual_machine (uuid, organization_id, environment_id, created_by, name, hostname, image_id,
                    flavor_id, vcpus, memory_mib, disk_gib, mac, desired, node_id, applied_generation, observed_power,
                    phase)
                SELECT gen_random_uuid(), e.organization_id, e.id, u.id, 'stock-' || n, 'stock-' || n, i.id, f.id,
                    f.vcpus, f.memory_mib, f.disk_gib, '02:00:00:' || regexp_replace(lpad(to_hex(n), 6, '0'),
                        '(..)(..)(..)', '\\1:\\2:\\3'), 'running', c.id, 1, 'running', 'active'
                FROM generate_series((SELECT count(*) FROM virtual_machine), \(count)::bigint - 1) n
                    JOIN environment e ON e.name = 'stock-' || n / \(perEnvironment),
                    user_account u, image i, flavor f, compute_node c
                WHERE u.name = 'TestUser' AND i.name = 'TestImage' AND f.name = 'TestFlavor' AND c.name = 'stock'
                RETURNING id, organization_id, environment_id, name
            ), address AS (
                INSERT INTO private_address (environment_id, address, vm_id)
                SELECT e.id, host(e.subnet)::inet + 2 + substr(vm.name, 7)::bigint % \(perEnvironment), vm.id
                FROM vm JOIN environment e ON e.id = vm.environment_id
            ), keys AS (
                INSERT INTO vm_key_binding (vm_id, position, name, public_key) SELECT id, 1, 'TestKey', 'ssh-ed25519 A' FROM vm
            ), labels AS (
                INSERT INTO vm_label (vm_id, label) SELECT id, label FROM vm, unnest('{stock,benchmark}'::text[]) AS label
            ), rules AS (
                INSERT INTO security_rule (vm_id, direction, ethertype, protocol, remote, port_min, port_max)
                SELECT id, direction, 'IPv4', protocol, remote, low, high FROM vm, (VALUES
                    ('egress', 'any', '0.0.0.0/0'::cidr, 1, 65535), ('ingress', 'tcp', '0.0.0.0/0', 22, 22),
                    ('ingress', 'tcp', '192.0.2.0/24', 443, 443)) AS rule (direction, protocol, remote, low, high)
            )
            INSERT INTO vm_event (vm_id, organization_id, type, reason, message)
            SELECT id, organization_id, 'normal', reason, name
            FROM vm, unnest('{InstanceCreationRequest,InstanceCreationSuccess}'::text[]) AS reason
            """,
        ]
    }
}
