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
            #expect(try await api.call(.post, "\(machines[0])/attach-floatingip").status == .badRequest)
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
}
