// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Operators say how much an organization and an environment may have")
struct QuotaRouteTests {
    @Test("Limits are set and shown beside what there is, and what exceeds them is refused by its name")
    func limits() async throws {
        try await TestAPI.with { api in
            let path = "organizations/\(api.cloud.organization)/quota"
            let empty = try await api.operate(.get, path, showing: QuotaBody.self)
            #expect(empty.limits == QuotaLimits() && empty.used.vms == 0)
            let limits = #"{"vms":3,"vcpus":10,"memory_gib":1,"floating_ips":1}"#
            let set = try await api.operate(.put, path, limits, showing: QuotaBody.self)
            let shown = try await api.call(.get, "/v1/core/quota").decoded(Answer<QuotaBody>.self)
            #expect(shown.content == set)
            let strangers = try await api.call(.get, "/v1/core/quota", key: TestAPI.strangersKey)
            #expect(try strangers.decoded(Answer<QuotaBody>.self).content.limits == QuotaLimits())
            #expect(set.limits == QuotaLimits(vms: 3, vcpus: 10, memoryGiB: 1, floatingIPs: 1))
            let machine = try #require(try await api.create(["assign_floating_ip": true]).first)
            let refused: [([String: (any Sendable)?], String)] = [
                (["name": "b", "count": 3], "for vms is 3: 1 are in use and 3 are asked for"),
                (["name": "b", "count": 2], "for memory_gib is 1: 0.5 are in use and 1 are asked for"),
                (["name": "b", "assign_floating_ip": true], "for floating_ips is 1: 1 are in use and 1 are asked for"),
            ]
            let before = try await api.leftovers()
            for (changes, words) in refused {
                let answer = try await api.call(.post, TestAPI.machines, TestAPI.creation(changes))
                #expect((answer.status, answer.error?.errorReason) == (.conflict, "quota_exceeded"), "\(answer)")
                #expect(answer.error?.message.contains("organization \(words)") == true, "\(answer)")
            }
            #expect(try await api.leftovers() == before)
            _ = try await api.create(["name": "b"])
            let used = try await api.operate(.get, path, showing: QuotaBody.self).used
            #expect((used.vms, used.vcpus, used.memoryGiB, used.floatingIPs, used.gpus) == (2, 2, 1, 1, 0))
            // A limit below what there is takes nothing away.
            #expect(try await api.operate(.put, path, #"{"vms":1}"#).status == .ok)
            #expect(try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").status == .ok)
            #expect(try await api.operate(.put, path, "{}").status == .ok)
            _ = try await api.create(["name": "c", "count": 3])
        }
    }

    @Test("An environment's quota is its own, and vm-quota takes the least of both and of the addresses")
    func environments() async throws {
        try await TestAPI.with { api in
            let own = "environments/\(api.cloud.environment)/quota"
            let quota = "\(TestAPI.environments)/\(api.cloud.environment)/vm-quota"
            func room() async throws -> [Int] {
                let body = try await api.call(.get, quota).decoded(EnvironmentQuotaBody.self)
                return [body.availableVMs, body.currentVMs, body.maximumVMs]
            }
            let addresses = try await room()[0]
            #expect(addresses > 1000)
            #expect(try await api.operate(.put, own, #"{"vms":2}"#).status == .ok)
            #expect(try await room() == [2, 0, 2])
            _ = try await api.create()
            #expect(try await room() == [1, 1, 2])
            #expect(
                try await api.operate(.put, "organizations/\(api.cloud.organization)/quota", #"{"vms":1}"#).status
                    == .ok
            )
            #expect(try await room() == [0, 1, 1])
            #expect(try await api.operate(.put, "organizations/\(api.cloud.organization)/quota", "{}").status == .ok)
            let refused = try await api.call(.post, TestAPI.machines, TestAPI.creation(["name": "b", "count": 2]))
            #expect(refused.error?.message.contains("of the environment for vms is 2") == true, "\(refused)")
            try await api.call(.post, TestAPI.environments, #"{"name":"other","region":"TEST-1"}"#)
            #expect(try await api.operate(.get, own, showing: QuotaBody.self).used.vms == 1)
        }
    }

    @Test("A floating IP that is attached counts too")
    func floatingIP() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            try await api.cloud.execute("UPDATE virtual_machine SET phase = 'shutoff', desired = 'stopped'")
            let path = "environments/\(api.cloud.environment)/quota"
            #expect(try await api.operate(.put, path, #"{"floating_ips":0}"#).status == .ok)
            let attach = "\(TestAPI.machines)/\(machine.id)/attach-floatingip"
            #expect(try await api.call(.post, attach).error?.errorReason == "quota_exceeded")
            #expect(try await api.operate(.put, path, #"{"floating_ips":1}"#).status == .ok)
            #expect(try await api.call(.post, attach).status == .ok)
        }
    }

    @Test("What cannot be is named, and what does not exist is a 404")
    func badInput() async throws {
        try await TestAPI.with { api in
            let path = "organizations/\(api.cloud.organization)/quota"
            try await api.refuses(
                [
                    (#"{"vms":-1}"#, .badRequest, "vms: it is -1"),
                    (#"{"ram":1}"#, .badRequest, "ram: there is no such"),
                    (#"{"gpus":"1"}"#, .badRequest, "gpus has to be a whole number"),
                ],
                path,
                rows: "SELECT count(*) AS number FROM quota",
                method: .put
            )
            for path in ["organizations/999/quota", "environments/999/quota"] {
                #expect(try await api.operate(.get, path).status == .notFound)
                #expect(try await api.operate(.put, path, "{}").status == .notFound)
            }
        }
    }
}
