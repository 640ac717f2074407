// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Postgres
import Testing

@Suite("Operators say what there is: regions, flavors, images and floating IPs")
struct OfferRouteTests {
    private static let digest = String(repeating: "0aF9", count: 16)

    @Test("A region, a flavor, an image and a pool are all that a tenant needs beside a node")
    func life() async throws {
        try await TestAPI.with { api in
            let region = try await api.operate(
                .post,
                "regions",
                #"{"name":"NEW-1","country":"Åland","network":"10.64.0.0/16","environment_prefix":24}"#,
                showing: AdminRegionBody.self
            )
            #expect((region.network, region.environmentPrefix, region.country) == ("10.64.0.0/16", 24, "Åland"))
            let flavor = try await api.operate(
                .post,
                "flavors",
                #"{"region":"NEW-1","name":"tiny","vcpus":1,"memory_mib":256,"disk_gib":1}"#,
                showing: AdminFlavorBody.self
            )
            #expect((flavor.gpuType, flavor.gpuCount, flavor.virtualMachineCount) == ("", 0, 0))
            #expect(flavor.stopPolicy == "keep")
            let spot = try await api.operate(
                .post,
                "flavors",
                #"{"region":"NEW-1","name":"spot","vcpus":1,"memory_mib":256,"disk_gib":1,"stop_policy":"release"}"#,
                showing: AdminFlavorBody.self
            )
            #expect(spot.stopPolicy == "release")
            let image = try await api.operate(
                .post,
                "images",
                """
                {"region":"NEW-1","name":"Debian 12","type":"Debian","version":"12","format":"raw","size":7,
                 "url":"https://images.example/debian%2012.raw?x=1","sha256":"\(Self.digest)"}
                """,
                showing: AdminImageBody.self
            )
            #expect(image.url == "https://images.example/debian%2012.raw?x=1")
            #expect(image.sha256 == Self.digest.lowercased())
            let pool = try await api.operate(
                .post,
                "floating-ip-pools",
                #"{"region":"NEW-1","name":"public-2","network":"198.51.100.0/28"}"#,
                showing: FloatingIPPoolBody.self
            )
            #expect((pool.addressCount, pool.assignedCount) == (14, 0))

            try await api.cloud.execute("UPDATE compute_node SET region_id = \(region.id)")
            let made = try await api.call(.post, TestAPI.environments, #"{"name":"new","region":"NEW-1"}"#)
            #expect(made.status == .ok)
            try await api.cloud.execute(
                """
                INSERT INTO key (environment_id, name, public_key, fingerprint)
                SELECT id, 'k', 'ssh-ed25519 AAAA', '' FROM environment WHERE name = 'new'
                """
            )
            let machine = try #require(
                try await api.create([
                    "environment_name": "new", "image_name": "Debian 12", "flavor_name": "tiny", "key_names": ["k"],
                    "assign_floating_ip": true,
                ])
                .first
            )
            #expect(machine.fixedIP == "10.64.0.2")
            #expect(machine.floatingIP?.hasPrefix("198.51.100.") == true)
            #expect(machine.os == "Debian 12")

            func count(_ path: String, _ field: String) async throws -> JSON? {
                try await api.operate(.get, path).decoded(JSON.self)[field]?["virtual_machine_count"]
            }
            #expect(try await count("flavors/\(flavor.id)", "flavor") == .number(1))
            #expect(try await count("images/\(image.id)", "image") == .number(1))
            let used = try await api.operate(.get, "floating-ip-pools/\(pool.id)", showing: FloatingIPPoolBody.self)
            #expect(used.assignedCount == 1)
            let shown = try await api.operate(.get, "regions/\(region.id)", showing: AdminRegionBody.self)
            #expect((shown.environmentCount, shown.nodeCount) == (1, 1))
        }
    }

    @Test("A deleted flavor or image is off the list, its name free, and its machines go on")
    func softDelete() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            for (path, one) in [("flavors", api.cloud.small.rawValue), ("images", api.cloud.image.rawValue)] {
                #expect(try await api.operate(.delete, "\(path)/\(one)").status == .ok)
                #expect(try await api.operate(.get, "\(path)/\(one)").status == .notFound)
                #expect(try await api.operate(.delete, "\(path)/\(one)").status == .notFound)
            }
            let gone = try await api.call(.post, TestAPI.machines, TestAPI.creation(["name": "next"]))
            #expect(gone.status == .notFound)
            let shown = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").decoded(InstanceAnswer.self)
            #expect((shown.instance.flavor.name, shown.instance.image.name) == ("small", "micro"))
            let flavor = #"{"region":"TEST-1","name":"small","vcpus":2,"memory_mib":512,"disk_gib":5}"#
            #expect(try await api.operate(.post, "flavors", flavor).status == .ok)
            #expect(try await api.operate(.post, "flavors", flavor).error?.errorReason == "already_exist")
        }
    }

    @Test("A pool is kept while a machine has one of its addresses")
    func poolInUse() async throws {
        try await TestAPI.with { api in
            let node = try await api.onlyNode()
            let machine = try #require(try await api.create(["assign_floating_ip": true]).first)
            let pool = try #require(
                try await api.list("floating-ip-pools", of: FloatingIPPoolBody.self).contents.first
            )
            let refused = try await api.operate(.delete, "floating-ip-pools/\(pool.id)")
            #expect(refused.error?.errorReason == "in_use", "\(refused)")
            let after = try await api.operate(.get, "floating-ip-pools/\(pool.id)", showing: FloatingIPPoolBody.self)
            #expect(
                after
                    == {
                        var pool = pool
                        pool.assignedCount = 1
                        return pool
                    }()
            )
            try await api.call(.delete, "\(TestAPI.machines)/\(machine.id)")
            try await node.converge()
            #expect(try await api.operate(.delete, "floating-ip-pools/\(pool.id)").status == .ok)
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM floating_ip") == 0)
        }
    }

    @Test("A pool that goes while machines take its addresses either stays whole or gives none")
    func poolRace() async throws {
        try await TestAPI.with { api in
            let pools = FloatingIPPoolStore(database: api.cloud.anotherPool())
            try await api.cloud.execute("DELETE FROM floating_ip")
            try await api.cloud.execute("DELETE FROM floating_ip_pool")
            for round in 0..<10 {
                // One address, which no later round can take.
                let network = try Subnet("198.51.100.\(round)/32")
                let pool = try await pools.create("p\(round)", region: "TEST-1", network: network)
                var request = api.cloud.request("m\(round)")
                request.assignFloatingIP = true
                let creation = request
                async let created = Result.catching { try await api.cloud.lifecycle.create(creation) }
                async let removed = Result.catching { try await pools.remove(pool.id) }
                switch (await created, await removed) {
                case (.success, .failure(let error)): #expect((error as? ResourceRefusal)?.reason == .inUse)
                case (.failure(let error), .success): #expect((error as? MachineRefusal)?.reason == .noFloatingIP)
                case (let created, let removed): Issue.record("\(created) and \(removed)")
                }
                try await api.cloud.audit()
            }
        }
    }

    @Test("A region is changed for what is to come, and goes when nothing is there; what is there is said")
    func regions() async throws {
        try await TestAPI.with { api in
            let path = "regions/\(api.cloud.region)"
            let changed = try await api.operate(
                .patch,
                path,
                #"{"network":"10.128.0.0/9","environment_prefix":20,"description":"north"}"#,
                showing: AdminRegionBody.self
            )
            #expect((changed.name, changed.network, changed.description) == ("TEST-1", "10.128.0.0/9", "north"))
            let made = try await api.createEnvironment("next")
            let quota = try await api.call(.get, "\(TestAPI.environments)/\(made.id)/vm-quota")
            #expect(try quota.decoded(EnvironmentQuotaBody.self).cidr == "10.128.0.0/20")
            #expect(try await api.operate(.patch, path, "{}", showing: AdminRegionBody.self) != changed)

            var clearing: [String: [SQL]] = [
                "environments": ["DELETE FROM environment"], "flavors": ["UPDATE flavor SET deleted_at = now()"],
                "images": ["UPDATE image SET deleted_at = now()"], "nodes": ["DELETE FROM compute_node"],
                "floating IP pools": ["DELETE FROM floating_ip", "DELETE FROM floating_ip_pool"],
            ]
            while !clearing.isEmpty {
                let refused = try await api.operate(.delete, path)
                #expect(refused.error?.errorReason == "in_use", "\(refused)")
                let thing = clearing.keys.first { refused.error?.message.contains("still has \($0)") == true }
                for statement in clearing.removeValue(forKey: try #require(thing, "\(refused)")) ?? [] {
                    try await api.cloud.execute(statement)
                }
            }
            #expect(try await api.operate(.delete, path).status == .ok)
            #expect(try await api.operate(.delete, path).status == .notFound)
        }
    }

    @Test("Lists have pages, a search and a region")
    func lists() async throws {
        try await TestAPI.with { api in
            for (path, count) in [("flavors", 2.0), ("images", 1), ("floating-ip-pools", 1), ("nodes", 1)] {
                func number(_ query: String) async throws -> Double? {
                    try await api.operate(.get, "\(path)\(query)").decoded(JSON.self)["count"]?.number
                }
                let numbers = [
                    try await number(""), try await number("?region=TEST-1&page=3"),
                    try await number("?search=nothing-like-it"),
                ]
                #expect(numbers == [count, count, 0], "\(path)")
                for (rest, status) in [
                    ("?region=NOWHERE-1", HTTPResponse.Status.notFound), ("?page=0", .badRequest), ("/999", .notFound),
                ] {
                    let answer = try await api.operate(.get, path + rest)
                    #expect(answer.status == status, "\(path)\(rest)")
                }
            }
            #expect(try await api.list("regions?search=test", of: AdminRegionBody.self).count == 1)
            #expect(try await api.operate(.get, "regions/999").status == .notFound)
            #expect(try await api.operate(.patch, "regions/999", "{}").status == .notFound)
        }
    }
}
