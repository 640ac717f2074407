// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Callbacks are set, signed, listed and replayed over the API, each within its organization")
struct CallbackRouteTests {
    private static let url = "https://Example.com/Hook?Token=A%2fb&empty"
    private static let deliveries = "/v1/core/callbacks/deliveries"

    private func list(_ api: TestAPI, _ query: String = "") async throws -> PageAnswer<CallbackDeliveryBody> {
        let answer = try await api.call(.get, Self.deliveries + query)
        #expect(answer.status == .ok, "\(answer)")
        return try answer.decoded(PageAnswer<CallbackDeliveryBody>.self)
    }

    @Test("A create with a callback URL keeps it as it is and has its first status told")
    func create() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create(["callback_url": Self.url]).first)
            #expect(machine.callbackURL == Self.url)
            let delivery = try #require(try await list(api).contents.first)
            #expect((delivery.vmID, delivery.name, delivery.url) == (machine.id, "web", Self.url))
            #expect((delivery.operation, delivery.status) == ("createInstance", "CREATING"))
            #expect((delivery.state, delivery.attempts, delivery.lastError) == ("waiting", 0, nil))
            #expect(delivery.nextAttemptAt != nil)
        }
    }

    @Test("The URL is attached, updated and deleted with the vendor's words")
    func urls() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            let path = "\(TestAPI.machines)/\(machine.id)"
            func call(_ method: HTTPRequest.Method, _ action: String, _ url: String? = nil) async throws -> APIAnswer {
                try await api.call(method, "\(path)/\(action)-callback", url.map { #"{"url":"\#($0)"}"# })
            }
            #expect(try await call(.put, "update", Self.url).status == .badRequest)
            #expect(try await call(.delete, "delete").status == .badRequest)
            let attached = try await call(.post, "attach", Self.url)
            #expect(
                try attached.decoded(AttachCallbackAnswer.self)
                    == AttachCallbackAnswer(
                        message: "Callback URL successfully attached to VM 'web'. Any action events on your instance "
                            + "will be posted to the provided URL.",
                        url: Self.url
                    )
            )
            #expect(try await call(.post, "attach", Self.url).status == .badRequest)
            let updated = try await call(.put, "update", "https://example.org")
            #expect(
                try updated.decoded(AttachCallbackAnswer.self).message
                    == "Callback URL successfully updated in VM web."
            )
            #expect(
                try await api.call(.get, path).decoded(InstanceAnswer.self).instance.callbackURL
                    == "https://example.org"
            )
            let deleted = try await call(.delete, "delete")
            #expect(
                try deleted.decoded(StatusBody.self).message == "Callback URL deleted successfully in VM web."
            )
            #expect(try await api.call(.get, path).decoded(InstanceAnswer.self).instance.callbackURL == nil)
            let refused = try await call(.post, "attach", "http://10.0.0.1/")
            #expect(refused.status == .badRequest)
            #expect(refused.error?.message.hasPrefix("url: 10.0.0.1 is not a public address") == true)
        }
    }

    @Test("Another organization sees and changes nothing")
    func scope() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create(["callback_url": Self.url]).first)
            let delivery = try #require(try await list(api).contents.first)
            let path = "\(TestAPI.machines)/\(machine.id)"
            let calls: [(HTTPRequest.Method, String, String?)] = [
                (.post, "\(path)/attach-callback", #"{"url":"https://example.com/"}"#),
                (.put, "\(path)/update-callback", #"{"url":"https://example.com/"}"#),
                (.delete, "\(path)/delete-callback", nil), (.post, "\(Self.deliveries)/\(delivery.id)/replay", nil),
            ]
            for (method, path, body) in calls {
                let answer = try await api.call(method, path, body, key: TestAPI.strangersKey)
                #expect(answer.status == .notFound, "\(path): \(answer)")
            }
            let others = try await api.call(.get, Self.deliveries, key: TestAPI.strangersKey)
            #expect(try others.decoded(PageAnswer<CallbackDeliveryBody>.self).count == 0)
            #expect(try await list(api).contents == [delivery])
        }
    }

    @Test("A secret is shown once, when it is made; after that, since when it signs and what signs beside it")
    func secret() async throws {
        try await TestAPI.with { api in
            let path = "/v1/core/callbacks/secret"
            #expect(try await api.call(.get, path).status == .notFound)
            func rotate() async throws -> CallbackSecretBody {
                try await api.call(.post, path + "/rotate").decoded(Answer<CallbackSecretBody>.self).content
            }
            let first = try await rotate()
            let second = try await rotate()
            #expect(first.secret?.hasPrefix("whsec_") == true)
            #expect(first.secret != second.secret)
            #expect(first.previous.isEmpty)
            let shown = try await api.call(.get, path)
            #expect(!shown.description.contains("whsec_"))
            let body = try shown.decoded(Answer<CallbackSecretBody>.self).content
            #expect((body.secret, body.createdAt, body.previous) == (nil, second.createdAt, second.previous))
            let previous = try #require(body.previous.first)
            #expect(previous.expiresAt.date.timeIntervalSince(previous.createdAt.date) >= 24 * 3600 - 1)
            for _ in 0..<5 { _ = try await rotate() }
            #expect(try await rotate().previous.count == 3)
            #expect(try await api.call(.get, path, key: TestAPI.strangersKey).status == .notFound)
        }
    }

    @Test("The log has pages, newest first, and those of one machine; one that failed is replayed")
    func log() async throws {
        try await TestAPI.with { api in
            let machines = try await api.create(["count": 3, "callback_url": Self.url])
            #expect(try await list(api).contents.map(\.vmID) == machines.map(\.id).reversed())
            let second = try await list(api, "?page=2&pageSize=2")
            #expect((second.contents.map(\.vmID), second.count) == ([machines[0].id], 3))
            let one = try await list(api, "?vm_id=\(machines[1].id)")
            #expect(one.contents.map(\.vmID) == [machines[1].id])
            #expect(try await api.call(.get, Self.deliveries + "?vm_id=x").status == .badRequest)
            try await api.cloud.execute(
                "UPDATE callback_delivery SET state = 'failed', attempts = 9, last_error = 'The receiver answered 500.'"
            )
            let failed = try #require(try await list(api).contents.first)
            #expect((failed.state, failed.attempts, failed.nextAttemptAt) == ("failed", 9, nil))
            #expect(failed.lastError == "The receiver answered 500.")
            let replayed = try await api.call(.post, "\(Self.deliveries)/\(failed.id)/replay")
            let body = try replayed.decoded(Answer<CallbackDeliveryBody>.self).content
            #expect((body.state, body.attempts, body.webhookID) == ("waiting", 0, failed.webhookID))
            #expect(try await api.call(.post, "\(Self.deliveries)/999999/replay").status == .notFound)
        }
    }
}
