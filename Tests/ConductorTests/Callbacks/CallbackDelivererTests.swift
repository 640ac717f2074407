// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Hummingbird
import NIOCore
import Postgres
import ServiceLifecycle
import Testing

@Suite("Callbacks are posted to a real receiver")
struct CallbackDelivererTests {
    @Test("A life is told in order, byte for byte to the URL, with each change's own id")
    func order() async throws {
        try await Cloud.with { cloud in
            try await CallbackReceiver.with { receiver in
                let node = try await SpeakingNode("one", in: cloud)
                let path = "/Hook%2fx/?Token=AbC%20d&empty&u=%c3%bc~"
                let url = try await receiver.url(path)
                let machine = try await cloud.createOne(cloud.request("web", callingBack: url, floatingIP: true))
                try await withServices([cloud.deliverer()]) {
                    try await node.converge()
                    try await cloud.perform(.delete, machine)
                    try await node.converge()
                    try await eventually("the end is told") { receiver.received.last?.status == "DELETED" }
                }
                #expect(receiver.received.map(\.status) == ["CREATING", "ACTIVE", "DELETING", "DELETED"])
                #expect(Set(receiver.received.map(\.path)) == [path])
                #expect(Set(receiver.received.map(\.id)).count == 4)
                let first = try #require(receiver.received.first)
                #expect(first["content-type"] == "application/json")
                #expect(first["webhook-signature"] == nil)
                let address = try #require(machine.floatingIP)
                #expect(
                    String(decoding: first.body, as: UTF8.self)
                        == #"{"data":{"floating_ip":"\#(address)","status":"CREATING"},"#
                        + #""operation":{"name":"createInstance","status":"CREATING"},"#
                        + #""resource":{"id":"\#(machine.id)","name":"web","type":"instance"},"user_payload":null}"#
                )
                try await eventually("all are marked") {
                    try await cloud.deliveries().allSatisfy { $0.state == .delivered && $0.attempts == 1 }
                }
            }
        }
    }

    @Test("What is not taken is tried again under the same id, and what came after it waits")
    func retry() async throws {
        try await Cloud.with { cloud in
            try await CallbackReceiver.with({ _, earlier in
                Response(status: earlier < 2 ? .internalServerError : .ok)
            }) { receiver in
                let node = try await SpeakingNode("one", in: cloud)
                _ = try await cloud.createOne(cloud.request(callingBack: receiver.url()))
                try await node.converge()
                try await withServices([cloud.deliverer()]) {
                    try await eventually("both are told") {
                        try await cloud.deliveries().map(\.state) == [.delivered, .delivered]
                    }
                }
                #expect(receiver.received.map(\.status) == ["CREATING", "CREATING", "CREATING", "ACTIVE"])
                #expect(Set(receiver.received.prefix(3).map(\.id)).count == 1)
                #expect(try await cloud.deliveries().map(\.attempts) == [3, 1])
            }
        }
    }

    @Test("After a day without success a delivery is given up, and the next one goes on; 410 gives up at once")
    func givingUp() async throws {
        try await Cloud.with { cloud in
            try await CallbackReceiver.with({ post, _ in
                Response(status: post.status == "CREATING" ? .serviceUnavailable : .gone)
            }) { receiver in
                let node = try await SpeakingNode("one", in: cloud)
                _ = try await cloud.createOne(cloud.request(callingBack: receiver.url()))
                try await node.converge()
                try await withServices([cloud.deliverer()]) {
                    try await eventually("it is tried") { receiver.received.count > 2 }
                    #expect(Set(receiver.received.map(\.status)) == ["CREATING"])
                    try await cloud.execute("UPDATE callback_delivery SET expires_at = now() WHERE status = 'CREATING'")
                    try await eventually("both are given up") {
                        try await cloud.deliveries().map(\.state) == [.failed, .failed]
                    }
                }
                #expect(receiver.received.count { $0.status == "ACTIVE" } == 1)
                let errors = try await cloud.deliveries().map { $0.lastError ?? "" }
                #expect(errors[0].contains("503") && errors[1].contains("410"))
            }
        }
    }

    @Test("Redirects are not followed")
    func redirect() async throws {
        try await Cloud.with { cloud in
            try await CallbackReceiver.with { other in
                let location = try await other.url()
                try await CallbackReceiver.with({ _, _ in .redirect(to: location, type: .temporary) }) { receiver in
                    _ = try await SpeakingNode("one", in: cloud)
                    _ = try await cloud.createOne(cloud.request(callingBack: receiver.url()))
                    try await withServices([cloud.deliverer()]) {
                        try await eventually("it failed") {
                            try await cloud.deliveries().first?.lastError?.contains("redirects are not followed")
                                == true
                        }
                    }
                    #expect(other.received.isEmpty)
                }
            }
        }
    }

    @Test("Receivers that do not answer hold up no other, however many machines call them")
    func slow() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one", Resources(vcpus: 200, memoryMiB: 1 << 20, diskGiB: 10000))
            try await CallbackReceiver.with({ post, _ in
                await post.hold()
                return Response(status: .ok)
            }) { slow in
                try await CallbackReceiver.with { quick in
                    var request = cloud.request(callingBack: try await slow.url())
                    request.count = 70
                    _ = try await cloud.lifecycle.create(request)
                    try await withServices([cloud.deliverer()]) {
                        try await eventually("the slow one is called") { slow.received.count >= 4 }
                        _ = try await cloud.createOne(cloud.request(callingBack: quick.url()))
                        try await eventually("the quick one is told") { quick.received.count == 1 }
                    }
                    #expect(slow.received.count == 4)
                }
            }
        }
    }

    @Test("Two deliverers post each once and keep the order of each machine")
    func two() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode(
                "one",
                in: cloud,
                total: Resources(vcpus: 200, memoryMiB: 1 << 20, diskGiB: 10000)
            )
            try await CallbackReceiver.with { receiver in
                let other = cloud.deliverer(on: cloud.anotherPool())
                try await withServices([cloud.deliverer(), other]) {
                    var request = cloud.request(callingBack: try await receiver.url())
                    request.count = 20
                    let machines = try await cloud.lifecycle.create(request).machines
                    try await node.converge()
                    for machine in machines { try await cloud.perform(.delete, machine) }
                    try await node.converge()
                    try await eventually("all are told") {
                        try await cloud.deliveries().allSatisfy { $0.state == .delivered }
                    }
                }
                #expect(receiver.received.count == 80)
                #expect(Set(receiver.received.map(\.id)).count == 80)
                let lives = Dictionary(grouping: receiver.received) { $0.message?.resource.id }
                #expect(lives.count == 20)
                for life in lives.values {
                    #expect(life.map(\.status) == ["CREATING", "ACTIVE", "DELETING", "DELETED"])
                }
            }
        }
    }

    @Test("A deliverer that dies after the POST and before it is marked has it posted again under the same id")
    func dies() async throws {
        try await Cloud.with { cloud in
            _ = try await SpeakingNode("one", in: cloud)
            try await CallbackReceiver.with({ post, earlier in
                if earlier == 0 { await post.hold() }
                return Response(status: .ok)
            }) { receiver in
                _ = try await cloud.createOne(cloud.request(callingBack: receiver.url()))
                let doomed = Task { try await cloud.deliverer().run() }
                try await eventually("it is posted") { receiver.received.count == 1 }
                doomed.cancel()
                _ = await doomed.result
                let left = try #require(try await cloud.deliveries().first)
                #expect((left.state, left.attempts) == (.waiting, 1))
                try await withServices([cloud.deliverer()]) {
                    // The lease ends by time.
                    try await cloud.execute(
                        "UPDATE callback_delivery SET next_attempt_at = now(), leased_until = now()"
                    )
                    try await eventually("it is marked") { try await cloud.deliveries().first?.state == .delivered }
                }
                #expect(receiver.received.count == 2)
                #expect(Set(receiver.received.map(\.id)) == [left.webhookID])
            }
        }
    }

    @Test("A rotated secret signs beside the one before it, both over what was sent, until that one's day is over")
    func rotation() async throws {
        try await Cloud.with { cloud in
            _ = try await SpeakingNode("one", in: cloud)
            try await CallbackReceiver.with { receiver in
                let old = try await cloud.callbackSecrets.rotate(of: cloud.organization).secret
                let new = try await cloud.callbackSecrets.rotate(of: cloud.organization).secret
                try await withServices([cloud.deliverer()]) {
                    let machine = try await cloud.createOne(cloud.request(callingBack: receiver.url()))
                    try await eventually("it is told") { receiver.received.count == 1 }
                    try await cloud.execute(
                        "UPDATE callback_secret SET expires_at = now() WHERE expires_at IS NOT NULL"
                    )
                    try await cloud.perform(.delete, machine)
                    try await eventually("the rest is told") { receiver.received.count == 2 }
                }
                for (post, secrets) in zip(receiver.received, [[new, old], [new]]) {
                    let timestamp = try #require(post["webhook-timestamp"].flatMap { Int($0) })
                    let signatures = secrets.map { $0.signature(id: post.id, timestamp: timestamp, body: post.body) }
                    #expect(post["webhook-signature"] == signatures.joined(separator: " "))
                    #expect(abs(Date().timeIntervalSince1970 - Double(timestamp)) < 300)
                }
            }
        }
    }

    @Test("What was delivered or given up is posted again when asked for, to the URL of now and under the same id")
    func replay() async throws {
        try await Cloud.with { cloud in
            _ = try await SpeakingNode("one", in: cloud)
            try await CallbackReceiver.with { receiver in
                let machine = try await cloud.createOne(cloud.request(callingBack: "http://127.0.0.1:9/"))
                let delivery = try #require(try await cloud.deliveries().first)
                try await cloud.execute("UPDATE callback_delivery SET state = 'failed', attempts = 30")
                _ = try await cloud.callbacks.update(receiver.url(), of: machine.id, in: cloud.organization)
                try await withServices([cloud.deliverer()]) {
                    for times in 1...2 {
                        _ = try await cloud.callbacks.replay(delivery.id, in: cloud.organization)
                        try await eventually("it is posted again") { receiver.received.count == times }
                        try await eventually("it is marked") { try await cloud.deliveries().first?.state == .delivered }
                    }
                }
                #expect(Set(receiver.received.map(\.id)) == [delivery.webhookID])
            }
        }
    }
}
