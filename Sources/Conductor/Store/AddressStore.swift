// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Postgres

/// The addresses that machines can be given, a row each. A row without a machine is free.
package enum AddressStore {
    /// Makes the addresses of a new environment's subnet: all but the network's, the gateway's and the broadcast one.
    package static func addPrivateAddresses(of environment: EnvironmentID, in transaction: Transaction) throws {
        try transaction.execute(
            """
            INSERT INTO private_address (environment_id, address)
            SELECT e.id, host(e.subnet)::inet + n
            FROM environment e, generate_series(2::bigint, (4294967296 >> masklen(e.subnet)) - 2) n
            WHERE e.id = \(environment)
            """
        )
    }

    /// Makes the addresses of a new pool. They are routed one by one, so the first and last of a network count too,
    /// but for networks large enough to have a network and broadcast address on somebody's link.
    package static func addFloatingIPs(of pool: FloatingIPPoolID, in transaction: Transaction) throws {
        try transaction.execute(
            """
            INSERT INTO floating_ip (pool_id, address)
            SELECT p.id, host(p.network)::inet + n
            FROM floating_ip_pool p, LATERAL (SELECT 4294967296 >> masklen(p.network) AS size) s,
                generate_series(CASE WHEN s.size > 2 THEN 1 ELSE 0 END::bigint,
                                CASE WHEN s.size > 2 THEN s.size - 2 ELSE s.size - 1 END) n
            WHERE p.id = \(pool)
            """
        )
    }

    /// Locks the address that has been free the longest, of the first pool that has any; to follow on what lists the pools
    /// as `pool`. Its id is `f.id`. None is free while a host of the pool's region may serve what a restored database does
    /// not know of.
    static let firstFreeFloatingIP: StaticString = """
        LATERAL (
            SELECT id FROM floating_ip WHERE pool_id = pool.id AND vm_id IS NULL AND next_vm_id IS NULL
                AND orphan_id IS NULL AND NOT EXISTS (
                    SELECT FROM floating_ip_pool p JOIN compute_node n ON n.region_id = p.region_id
                    WHERE p.id = pool.id AND n.awaited)
            ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED
        ) AS f LIMIT 1
        """
}
