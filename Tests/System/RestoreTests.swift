// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres
import Testing

@Suite("A cloud whose database is restored from a backup")
struct RestoreTests {
    @Test(
        "What hosts did since stays as it is and keeps what it holds until an operator's word; life goes on beside it"
    )
    func restore() async throws {
        try await SimulatedCloud.with(gpus: 2) { cloud in
            _ = try await cloud.database.transaction { transaction in
                try transaction.execute(
                    """
                    INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib, gpu_type, gpu_count)
                    SELECT id, 'with-gpus', 2, 1024, 5, 'H100', 2 FROM region
                    """
                )
            }
            let withGPUs = { (name: String) in
                var request = cloud.request(name)
                request.flavorName = "with-gpus"
                return request
            }
            let deleted = try await cloud.wait(for: cloud.create("deleted"), .active)
            let kept = try await cloud.wait(for: cloud.create("kept"), .active)
            let backup = try await DatabaseBackup(of: cloud.databaseURL, in: cloud.folder)
            try await cloud.remove(deleted)
            let created = try await cloud.wait(for: cloud.create(withGPUs("created"))[0], .active)

            try await cloud.conductor.kill()
            try await backup.restore()
            try await cloud.conductor.start()
            let fault = try await eventually("its host misses it") { try await cloud.api.instance(deleted.id)?.fault }
            #expect(fault.code == "machine_missing")
            try await cloud.wait(for: kept, .active)
            let orphan = { (arguments: String...) in
                try await cloud.gantry(["orphan"] + arguments, as: cloud.operatorKey)
            }
            let listed = try await orphan("list").text
            #expect(
                listed.contains("created") && listed.contains("2 vCPU, 1024 MiB, 5 GiB, GPU 0000:01:00.0"),
                "\(listed)"
            )
            #expect(try listed.contains(#require(created.floatingIP)), "\(listed)")
            let beside = try await cloud.wait(for: cloud.create("beside"), .active)
            #expect(beside.floatingIP != created.floatingIP && beside.id > created.id)
            let refusal = await #expect(throws: ClientError.self) {
                try await cloud.api.createInstances(withGPUs("next"))
            }
            #expect(refusal?.reason == "no_capacity")

            let id = try #require(listed.split(separator: "\n").last?.split(separator: " ").first)
            #expect(try await orphan("remove", "\(id)").status == 0)
            try await eventually("the orphan is gone") {
                try await orphan("list").text.split(separator: "\n").count == 1
            }
            #expect(try await orphan("remove", "\(id)").status == 1)
            try await cloud.wait(for: cloud.create(withGPUs("next"))[0], .active)
            try await cloud.remove(deleted)
        }
    }
}
