// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryTestSupport
import Postgres
import Testing

@Suite("Each environment has a network of its own, however many are made at once")
struct EnvironmentStoreTests {
    /// A region with room for 32 networks of eight addresses.
    private static let region: SQL = """
        INSERT INTO region (name, network, environment_prefix) VALUES ('SMALL-1', '10.9.0.0/24', 29)
        """

    @Test("Two conductors cut a region into networks that do not overlap, and then say that it has none left")
    func exhaustion() async throws {
        try await Cloud.with { cloud in
            try await cloud.execute(Self.region)
            let stores = [cloud.database, cloud.anotherPool()].map { EnvironmentStore(database: $0) }
            let outcomes = await withTaskGroup(of: Result<EnvironmentRecord, any Error>.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        do {
                            return .success(
                                try await stores[number % 2]
                                    .create("e\(number)", region: "SMALL-1", in: cloud.organization)
                            )
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            var subnets: [Subnet] = []
            for outcome in outcomes {
                switch outcome {
                case .success(let record): subnets.append(record.subnet)
                case .failure(let error): #expect((error as? ResourceRefusal)?.reason == .exhausted, "\(error)")
                }
            }
            let all = try (0..<32).map { try Subnet("10.9.0.\($0 * 8)/29") }
            #expect(Set(subnets) == Set(all) && subnets.count == 32)
            let addresses: SQL = """
                SELECT count(*) AS number FROM private_address a JOIN environment e ON e.id = a.environment_id
                WHERE e.name LIKE 'e%' AND a.address << e.subnet
                """
            #expect(try await cloud.number(addresses) == 32 * 5)
        }
    }

    @Test("A network that is given back is given out again, also between networks of other lengths")
    func gaps() async throws {
        try await Cloud.with { cloud in
            try await cloud.execute(Self.region)
            let store = EnvironmentStore(database: cloud.database)
            func create(_ name: String) async throws -> EnvironmentRecord {
                try await store.create(name, region: "SMALL-1", in: cloud.organization)
            }
            let first = try await create("first")
            let second = try await create("second")
            #expect(try await create("third").subnet == Subnet("10.9.0.16/29"))
            try await store.remove(second.id, in: cloud.organization)
            #expect(try await create("fourth").subnet == second.subnet)
            // Longer networks from now on: the first one free of them begins behind the short ones.
            try await cloud.execute("UPDATE region SET environment_prefix = 28 WHERE name = 'SMALL-1'")
            #expect(try await create("fifth").subnet == Subnet("10.9.0.32/28"))
            try await store.remove(first.id, in: cloud.organization)
            #expect(try await create("sixth").subnet == Subnet("10.9.0.48/28"))
            try await cloud.execute("UPDATE region SET environment_prefix = 29 WHERE name = 'SMALL-1'")
            #expect(try await create("seventh").subnet == first.subnet)
            #expect(try await create("eighth").subnet == Subnet("10.9.0.24/29"))
            try await cloud.execute("UPDATE region SET network = '10.8.0.0/24' WHERE name = 'SMALL-1'")
            #expect(try await create("ninth").subnet == Subnet("10.8.0.0/29"))
        }
    }

    @Test("The table itself refuses networks of one region that overlap, whoever writes them")
    func constraint() async throws {
        try await Cloud.with { cloud in
            try await cloud.execute("INSERT INTO region (name) VALUES ('OTHER-1')")
            func insert(_ name: String, _ subnet: String, _ region: String) async throws {
                try await cloud.execute(
                    """
                    INSERT INTO environment (organization_id, region_id, name, subnet)
                    SELECT \(cloud.organization), id, \(name), \(subnet) FROM region WHERE name = \(region)
                    """
                )
            }
            // The cloud's own environment has 10.1.0.0/22.
            for subnet in ["10.1.0.0/22", "10.1.0.0/23", "10.1.3.248/29", "10.0.0.0/8"] {
                let error = await #expect(throws: PostgresError.self) { try await insert("x", subnet, "TEST-1") }
                #expect(error?.constraint == "environment_subnets_disjoint")
            }
            try await insert("other", "10.1.0.0/22", "OTHER-1")
            try await insert("next", "10.1.4.0/22", "TEST-1")
        }
    }

    @Test("A machine that is created while its environment is deleted either prevents that or is refused")
    func race() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let store = EnvironmentStore(database: cloud.anotherPool())
            for round in 0..<12 {
                let environment = try await store.create("e\(round)", region: "TEST-1", in: cloud.organization)
                try await cloud.execute(
                    """
                    INSERT INTO key (environment_id, name, public_key, fingerprint)
                    VALUES (\(environment.id), 'k', 'ssh-ed25519 AAAA', '')
                    """
                )
                let key = try await cloud.number(
                    "SELECT id AS number FROM key WHERE environment_id = \(environment.id)"
                )
                var request = cloud.request("m\(round)")
                (request.environment, request.keys) = (environment.id, [KeyID(Int64(key))])
                let creation = request
                async let created = Result.catching { try await cloud.lifecycle.create(creation) }
                async let removed = Result.catching { try await store.remove(environment.id, in: cloud.organization) }
                switch (await created, await removed) {
                case (.success, .failure(let error)):
                    #expect((error as? ResourceRefusal)?.reason == .inUse, "\(error)")
                case (.failure(let error), .success):
                    #expect((error as? MachineRefusal)?.reason == .notFound, "\(error)")
                case (let created, let removed): Issue.record("\(created) and \(removed)")
                }
                try await cloud.audit()
            }
        }
    }
}
