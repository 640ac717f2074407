// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("An operator's work at the command line")
struct OperatorCommandTests {
    @Test("GPUs are listed and shown, kept from machines, returned to their hosts, and taken back")
    func commands() async throws {
        try await SimulatedCloud.with(gpus: 3) { cloud in
            let gpu = { (arguments: String...) in
                try await cloud.gantry(["gpu"] + arguments, as: cloud.operatorKey)
            }
            try await eventually("all are free") {
                let rows = try await gpu("list", "--state", "free").text.split(separator: "\n")
                return rows.count == 4
            }
            let table = try await gpu("list", "--node", "sim-0", "--type", "H100").text
            #expect(table.hasPrefix("ID  NODE   ADDRESS       TYPE  NUMA  PARTITIONS  STATE  VM  REASON\n"), "\(table)")
            #expect(table.contains("1   sim-0  0000:01:00.0  H100  0     -           free   -   -"), "\(table)")
            let json = try await gpu("list", "--output", "json").text
            let units = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [[String: Any]])
            #expect(units.map { $0["state"] as? String } == ["free", "free", "free"])

            #expect(try await gpu("cordon", "2", "--reason", "its fans").status == 0)
            #expect(try await gpu("list").text.contains("free, cordoned  -   its fans"))
            #expect(try await gpu("uncordon", "2").status == 0)
            #expect(try await gpu("return", "2", "--reason", "new firmware").text.contains("Uncordon takes it back."))
            #expect(try await gpu("list", "--state", "faulty").text.contains("faulty, returned"))
            let retry = try await gpu("retry", "2")
            #expect((retry.status, retry.text) == (1, ""))
            #expect(retry.errorText.hasPrefix("gantry: GPU 2,") && retry.errorText.contains("uncordon takes it back"))
            #expect(try await gpu("uncordon", "2").status == 0)
            try await eventually("it is clean again") { try await gpu("list", "--state", "free").text.contains("\n2 ") }
            let shown = try await gpu("show", "2").text
            #expect(shown.contains("CLAIM  SINCE") && shown.contains("(simulated)"), "\(shown)")
        }
    }

    @Test("Nodes are listed with what they have left, watched, shown and cordoned")
    func nodes() async throws {
        try await SimulatedCloud.with(gpus: 2) { cloud in
            _ = try await cloud.wait(for: cloud.create("web"), .active)
            let node = { (line: String) in
                try await cloud.gantry(["node"] + line.split(separator: " ").map(String.init), as: cloud.operatorKey)
            }
            let listed = try await node("list").text
            #expect(listed.contains("sim-0  TestRegion  up"), "\(listed)")
            #expect(listed.contains("  1/256  0/1024  1/16384  "), "\(listed)")
            #expect(try await node("cordon sim-0 --reason fans").status == 0)
            let shown = try await node("show sim-0").text
            #expect(shown.contains("up, cordoned") && shown.contains("cordoned     fans"), "\(shown)")
            #expect(shown.contains("0000:02:00.0  H100"), "\(shown)")
            #expect(try await node("uncordon sim-0").status == 0)
            let rotated = try await node("rotate sim-0 --wait")
            #expect(rotated.status == 0 && rotated.text.contains("the old ones have ended"), "\(rotated)")
            let revoked = try await node("revoke sim-0")
            #expect(revoked.status == 0 && revoked.errorText.contains("gantry node token create"), "\(revoked)")
            #expect(try await node("show sim-0").text.contains("credentials  revoked"))
            #expect(try await node("rotate sim-0").status == 1)
            let refused = try await node("remove sim-0")
            #expect(refused.status == 1 && !refused.errorText.isEmpty, "\(refused)")
            #expect(try await node("show nobody").status == 1)
            let watched = try await run(
                "timeout",
                ["5", SimulatedCloud.program, "node", "list", "--watch"],
                environment: ["GANTRY_URL": cloud.conductor.url, "GANTRY_API_KEY": cloud.operatorKey]
            )
            #expect(watched.text.ranges(of: "sim-0").count > 1, "\(watched)")
        }
    }

    @Test("What is wrong is said with its exit status: a tenant's key, an id that is none, nobody there")
    func refusals() async throws {
        try await SimulatedCloud.with(gpus: 1) { cloud in
            let tenant = try await cloud.gantry(["gpu", "list"], as: TestData.apiKey)
            #expect((tenant.status, tenant.errorText) == (1, "gantry: Only an operator's key may do this.\n"))
            #expect(try await cloud.gantry(["gpu", "show", "99"], as: cloud.operatorKey).status == 1)
            #expect(try await cloud.gantry(["gpu", "show", "x"], as: cloud.operatorKey).status == 64)
            let nobody = try await cloud.gantry(
                ["gpu", "list"],
                as: cloud.operatorKey,
                environment: ["GANTRY_URL": "http://127.0.0.1:1"]
            )
            #expect(nobody.status == 2 && nobody.errorText.contains("127.0.0.1:1"), "\(nobody)")
        }
    }
}
