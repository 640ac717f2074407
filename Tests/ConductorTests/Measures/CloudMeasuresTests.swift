// SPDX-License-Identifier: Apache-2.0

import Conductor
import Postgres
import Testing

@Suite("What a conductor measures of the cloud is what operators have to act on")
struct CloudMeasuresTests {
    @Test("A node that was declared dead is told as such, and not as one that is silent")
    func deadNode() async throws {
        try await Cloud.with { cloud in
            let (one, two) = (try await SpeakingNode("one", in: cloud), try await SpeakingNode("two", in: cloud))
            try await cloud.silence(one)
            try await cloud.silence(two)
            try await cloud.declareDead(one)
            let metrics = await cloud.measured()
            #expect(metrics.value(of: #"gantry_node_report_age_seconds{node="one"}"#) == nil)
            #expect(metrics.value(of: #"gantry_node_report_age_seconds{node="two"}"#) ?? 0 >= 3600)
            #expect(metrics.value(of: #"gantry_nodes{state="dead"}"#) == 1)
            #expect(metrics.value(of: #"gantry_nodes{state="silent"}"#) == 1)
            try await one.openSession()
            #expect(await cloud.measured().value(of: #"gantry_node_report_age_seconds{node="one"}"#) ?? 3600 < 3600)
        }
    }

    @Test("Of a node that is not up neither what it has nor what it gave out is counted")
    func capacity() async throws {
        try await Cloud.with { cloud in
            let one = try await SpeakingNode("one", in: cloud)
            _ = try await cloud.createOne()
            #expect(try await capacity(cloud) == [1, 16])
            _ = try await SpeakingNode("two", in: cloud)
            #expect(try await capacity(cloud) == [1, 32])
            try await cloud.silence(one)
            #expect(try await capacity(cloud) == [0, 16])
        }
    }

    /// The region's vCPUs: those given out, and all.
    private func capacity(_ cloud: Cloud) async throws -> [Double] {
        let metrics = await cloud.measured()
        return try ["allocated", "total"]
            .map { kind in
                let series = #"gantry_capacity{dimension="vcpus",kind="\#(kind)",region="TEST-1"}"#
                return try #require(metrics.value(of: series))
            }
    }

    @Test("Units are cleaned since their machine gave them up, or since they were last to be cleaned anew")
    func cleaning() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: [.example(1), .example(2)])
            try await cloud.execute("UPDATE gpu_use SET created_at = now() - interval '1 day'")
            #expect(await cleaningAge(cloud) == 0)
            let machine = try await cloud.createOne(cloud.request(flavor: cloud.gpu))
            try await cloud.execute("UPDATE gpu_use SET created_at = now() - interval '1 day'")
            #expect(await cleaningAge(cloud) == 0)
            try await cloud.perform(.delete, machine)
            try await node.converge()
            #expect((0..<3600).contains(await cleaningAge(cloud) ?? -1))
            try await cloud.execute(
                "UPDATE gpu_use SET released_at = now() - interval '2 hours' WHERE gpu_id = (SELECT min(id) FROM gpu_device)"
            )
            #expect((7200..<9000).contains(await cleaningAge(cloud) ?? -1))
            try await cloud.execute("UPDATE gpu_device SET claim = claim + 1")
            #expect((0..<3600).contains(await cleaningAge(cloud) ?? -1))
            try await node.clean()
            #expect(await cleaningAge(cloud) == 0)
        }
    }

    @Test("Of a unit that nobody can clean it is not told how long that is")
    func notToClean() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud, gpus: [.example(1)])
            try await cloud.execute("UPDATE gpu_device SET state = 'sanitizing', claim = claim + 1")
            try await cloud.execute("UPDATE gpu_use SET created_at = now() - interval '1 hour'")
            #expect(await cleaningAge(cloud) ?? 0 >= 3600)
            try await cloud.execute("UPDATE gpu_device SET present = false")
            #expect(await cleaningAge(cloud) == 0)
            try await cloud.execute("UPDATE gpu_device SET present = true")
            try await cloud.execute(
                """
                WITH o AS (
                    INSERT INTO orphan (node_id, uuid, running, gpus, volumes)
                    VALUES (\(node.identity.id), gen_random_uuid(), true, '{}', '{}') RETURNING id
                )
                UPDATE gpu_device SET orphan_id = o.id FROM o
                """
            )
            #expect(await cleaningAge(cloud) == 0)
            try await cloud.execute("UPDATE gpu_device SET orphan_id = NULL")
            #expect(await cleaningAge(cloud) ?? 0 >= 3600)
            try await cloud.silence(node)
            try await cloud.declareDead(node)
            #expect(await cleaningAge(cloud) == 0)
        }
    }

    private func cleaningAge(_ cloud: Cloud) async -> Double? {
        await cloud.measured().value(of: #"gantry_gpu_cleaning_oldest_seconds{gpu_type="H100"}"#)
    }
}
