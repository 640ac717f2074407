// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Floating IPs are attached and detached over the API")
struct FloatingIPRouteTests {
    @Test("The answers are the vendor's, and wrong states, foreign ids and an empty pool are refused")
    func answers() async throws {
        try await TestAPI.with(pool: "203.0.113.8/32") { api in
            let machines = try await api.create(["count": 2]).map { "\(TestAPI.machines)/\($0.id)" }
            let early = try await api.call(.post, "\(machines[0])/attach-floatingip")
            #expect((early.status, early.error?.errorReason) == (.conflict, "conflict"))
            #expect(early.error?.message.contains("is CREATING") == true, "\(early)")
            try await api.cloud.execute("UPDATE virtual_machine SET phase = 'active'")
            let attached = try await api.call(.post, "\(machines[0])/attach-floatingip")
            #expect(try attached.decoded(StatusBody.self).message == "A Public IP will be assigned to VM web-1.")
            let shown = try await api.call(.get, machines[0]).decoded(InstanceAnswer.self).instance
            #expect((shown.floatingIP, shown.floatingIPStatus) == ("203.0.113.8", "ATTACHING"))
            let empty = try await api.call(.post, "\(machines[1])/attach-floatingip")
            #expect((empty.status, empty.error?.errorReason) == (.conflict, "no_floating_ip"))
            #expect(try await api.call(.post, "\(machines[0])/attach-floatingip").status == .conflict)
            #expect(try await api.call(.post, "\(machines[1])/detach-floatingip").status == .badRequest)
            let detached = try await api.call(.post, "\(machines[0])/detach-floatingip")
            #expect(
                try detached.decoded(StatusBody.self).message == "Public IP will be detached from the VM web-1."
            )
            let leaving = try await api.call(.get, machines[0]).decoded(InstanceAnswer.self).instance
            #expect((leaving.floatingIP, leaving.floatingIPStatus) == ("203.0.113.8", "DETACHING"))
            for path in ["\(machines[0])/attach-floatingip", "\(machines[0])/detach-floatingip"] {
                #expect(try await api.call(.post, path, key: TestAPI.strangersKey).status == .notFound)
            }
        }
    }

    @Test("Another machine's address moves when that is allowed; bodies that cannot be are refused by the field's name")
    func move() async throws {
        try await TestAPI.with(pool: "203.0.113.8/32") { api in
            let node = try await SpeakingNode("two", in: api.cloud)
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true WHERE name = 'one'")
            let machines = try await api.create(["count": 2]).map { "\(TestAPI.machines)/\($0.id)" }
            try await node.converge()
            #expect(try await api.call(.post, "\(machines[0])/attach-floatingip", "{}").status == .ok)
            try await node.converge()
            let attach = "\(machines[1])/attach-floatingip"
            for (body, words) in [
                (#"{"floating_ip":"203.0.113"}"#, "floating_ip:"), (#"{"floating_ip":7}"#, "floating_ip has to be"),
                (#"{"allow_reassociation":true}"#, "allow_reassociation: name the address"),
                (#"{"address":"203.0.113.8"}"#, "address:"),
            ] {
                let refused = try await api.call(.post, attach, body)
                #expect(refused.status == .badRequest)
                #expect(refused.error?.message.hasPrefix(words) == true, "\(refused)")
            }
            let held = try await api.call(.post, attach, #"{"floating_ip":"203.0.113.8"}"#)
            #expect((held.status, held.error?.errorReason) == (.conflict, "in_use"), "\(held)")
            let body = #"{"floating_ip":"203.0.113.8","allow_reassociation":true}"#
            #expect(try await api.call(.post, attach, body, key: TestAPI.strangersKey).status == .notFound)
            let scoped = try await api.secret(#""environments":["default"]"#)
            let moved = try await api.call(.post, attach, body, key: scoped)
            #expect(try moved.decoded(StatusBody.self).message.hasPrefix("Public IP 203.0.113.8 of VM web-1 will be"))
            let shown = try await api.call(.get, machines[1]).decoded(InstanceAnswer.self).instance
            #expect((shown.floatingIP, shown.floatingIPStatus) == ("203.0.113.8", "ATTACHING"))
            let again = try await api.call(.post, attach, body)
            #expect((again.status, again.error?.errorReason) == (.conflict, "conflict"), "\(again)")
        }
    }
}
