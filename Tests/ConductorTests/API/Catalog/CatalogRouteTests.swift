// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Tenants see the regions, flavors and images that there are")
struct CatalogRouteTests {
    @Test("Regions have the vendor's shape and come by name")
    func regions() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute("INSERT INTO region (name, country) VALUES ('ATLANTIS-1', 'Atlantis')")
            let answer = try await api.call(.get, "/v1/core/regions").decoded(RegionsAnswer.self)
            #expect(answer.regions.map(\.name) == ["ATLANTIS-1", "TEST-1"])
            #expect(answer.regions.first?.country == "Atlantis")
        }
    }

    @Test("The protocols are the ones that rules may name")
    func protocols() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.get, "/v1/core/sg-rules-protocols")
                .decoded(
                    SecurityRuleProtocolsAnswer.self
                )
            #expect(answer.protocols.count == 26)
            let rules = answer.protocols.map { name in
                #"{"direction":"ingress","protocol":"\#(name)","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0"}"#
            }
            let body = """
                {"environment_name":"default","image_name":"micro","flavor_name":"small","key_name":"laptop",
                 "security_rules":[\(rules.joined(separator: ","))]}
                """
            let made = try await api.call(.post, TestAPI.machines, body)
            #expect(made.status == .ok, "\(made)")
        }
    }

    // MARK: - Flavors

    private func flavors(_ api: TestAPI, _ query: String = "") async throws -> [FlavorGroupBody] {
        try await api.call(.get, "/v1/core/flavors\(query)").decoded(FlavorsAnswer.self).data
    }

    @Test("Flavors are grouped by region and GPU, deleted ones left out")
    func groups() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute(
                """
                WITH other AS (INSERT INTO region (name) VALUES ('OTHER-1') RETURNING id)
                INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib, deleted_at)
                SELECT id, 'other', 1, 1536, 5, NULL::timestamptz FROM other
                UNION ALL SELECT \(api.cloud.region), 'large', 8, 4096, 5, NULL
                UNION ALL SELECT \(api.cloud.region), 'old', 1, 512, 5, now()
                """
            )
            let groups = try await flavors(api)
            #expect(groups.map(\.regionName) == ["OTHER-1", "TEST-1", "TEST-1"])
            #expect(groups.map(\.gpu) == ["", "", "H100"])
            #expect(groups.map { $0.flavors.map(\.name) } == [["other"], ["small", "large"], ["gpu"]])
            #expect(groups.first?.flavors.first?.ram == 1.5)
            let last = try #require(groups.last?.flavors.first)
            #expect((last.gpuCount, last.stopPolicy, last.features.noHibernation) == (2, "keep", false))
            #expect(try await flavors(api, "?region=OTHER-1").count == 1)
            let unknown = try await api.call(.get, "/v1/core/flavors?region=NOWHERE-1")
            #expect(unknown.status == .notFound)
        }
    }

    @Test("A flavor is available exactly when a machine of it can be created")
    func stock() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute("DELETE FROM compute_node")
            func check(_ situation: String, small: Bool, gpu: Bool) async throws {
                let offered = try await flavors(api).flatMap(\.flavors)
                for (name, expected) in [("small", small), ("gpu", gpu)] {
                    #expect(offered.first { $0.name == name }?.stockAvailable == expected, "\(situation): \(name)")
                    let attempt = try await api.call(
                        .post,
                        TestAPI.machines,
                        TestAPI.creation(["name": nil, "flavor_name": name])
                    )
                    #expect((attempt.status == .ok) == expected, "\(situation): \(name) \(attempt)")
                }
            }
            try await check("no node", small: false, gpu: false)
            try await api.cloud.addNode("one", Resources(vcpus: 1, memoryMiB: 512, diskGiB: 5))
            try await check("room for one", small: true, gpu: false)
            try await check("full", small: false, gpu: false)
            // A GPU host with three devices, of which two and then one are free.
            try await api.cloud.addNode("two", Resources(vcpus: 8, memoryMiB: 1024, diskGiB: 1000), gpus: [0, 0, 1])
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true WHERE name = 'two'")
            try await check("cordoned", small: false, gpu: false)
            try await api.cloud.execute("UPDATE compute_node SET cordoned = false WHERE name = 'two'")
            try await check("room for two", small: true, gpu: true)
            try await check("no memory", small: false, gpu: false)
            for (situation, column) in [("no disk", "disk_gib"), ("no vCPU", "vcpus")] {
                try await api.cloud.execute(
                    """
                    UPDATE compute_node SET memory_mib = 65536,
                        disk_gib = CASE \(column) WHEN 'disk_gib' THEN allocated_disk_gib ELSE 1000 END,
                        vcpus = CASE \(column) WHEN 'vcpus' THEN allocated_vcpus ELSE 8 END
                    """
                )
                try await check(situation, small: false, gpu: false)
            }
            try await api.cloud.execute("UPDATE compute_node SET vcpus = 8")
            try await check("one device left", small: true, gpu: false)
        }
    }

    // MARK: - Images

    private func images(_ api: TestAPI, _ query: String = "") async throws -> ImagesAnswer {
        try await api.call(.get, "/v1/core/images\(query)").decoded(ImagesAnswer.self)
    }

    @Test("Images are grouped by region and type, in pages, and their URL is not shown")
    func images() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute(
                """
                INSERT INTO image (region_id, name, type, version, url, sha256, format, size)
                SELECT \(api.cloud.region), name, type, '1', 'file:///x', repeat('b', 64), 'qcow2', size
                FROM (VALUES ('Debian 12', 'Debian', 500000000), ('Debian 13', 'Debian', 3221225472),
                    ('Fedora 43', 'Fedora', 1)) AS new (name, type, size)
                """
            )
            let all = try await images(api)
            #expect(all.count == 4)
            #expect(all.images.map(\.type) == ["", "Debian", "Fedora"])
            let shown = all.images.flatMap(\.images)
            #expect(shown.map(\.name) == ["micro", "Debian 12", "Debian 13", "Fedora 43"])
            #expect(shown.map(\.displaySize) == ["", "477 MiB", "3 GiB", "1 MiB"])
            let page = try await images(api, "?page=2&per_page=2&search=&region=TEST-1")
            #expect((page.count, page.page, page.pageSize) == (4, 2, 2))
            #expect(page.images.map { $0.images.map(\.name) } == [["Debian 13"], ["Fedora 43"]])
            #expect(try await images(api, "?search=debian").count == 2)
            #expect(try await images(api, "?include_public=true").count == 4)
            #expect(try await images(api, "?include_public=false").count == 0)
            #expect(try await api.call(.get, "/v1/core/images?region=X").status == .notFound)
            #expect(try await api.call(.get, "/v1/core/images?per_page=0").status == .badRequest)
            #expect(try await api.call(.get, "/v1/core/images?include_public=maybe").status == .badRequest)

            let id = try #require(shown.last?.id)
            let answer = try await api.call(.get, "/v1/core/images/\(id)")
            #expect(try answer.decoded(Answer<ImageBody>.self).content == shown.last)
            #expect(!"\(answer)".contains("file:///"))
            try await api.cloud.execute("UPDATE image SET deleted_at = now() WHERE id = \(id)")
            #expect(try await api.call(.get, "/v1/core/images/\(id)").status == .notFound)
            #expect(try await images(api).count == 3)
        }
    }
}
