// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import NIOHTTP1
import Testing

@Suite("Callbacks tell of a real machine (root)", .serialized)
struct CallbackTests {
    @Test("Creation and deletion are told in order and signed, by two conductors")
    func life() async throws {
        try await SystemCloud.with(conductorSettings: ["GANTRY_CALLBACKS_ALLOW_PRIVATE": "true"]) { cloud in
            let receiver = try await PostReceiver(in: cloud.folder)
            let result: Result<Void, any Error>
            do {
                result = .success(try await Self.tell(cloud, receiver))
            } catch {
                result = .failure(error)
            }
            try await receiver.stop()
            try result.get()
        }
    }

    private static func tell(_ cloud: SystemCloud, _ receiver: PostReceiver) async throws {
        let path = "/Hook?Token=A%2fb"
        let rotated: Answer<CallbackSecretBody> = try await cloud.api.call(.POST, "v1/core/callbacks/secret/rotate")
        let secret = try WebhookSecret(try #require(rotated.content.secret))
        let agent = try cloud.startAgent()
        var request = cloud.request("told")
        request.callbackURL = receiver.url(path)
        let machine = try await cloud.create(request)[0]
        try await cloud.wait(for: machine, .active)
        try await cloud.remove(machine)
        try await eventually("the end is told") {
            try receiver.posts().last?.message().data.status == "DELETED"
        }
        let posts = try receiver.posts()
        let messages = try posts.map { try $0.message() }
        // BUILD is seen when the node says that it works before it is done.
        #expect(
            messages.map(\.data.status).filter { $0 != "BUILD" } == ["CREATING", "ACTIVE", "DELETING", "DELETED"]
        )
        #expect(messages.allSatisfy { $0.resource.id == "\(machine.id)" })
        #expect(messages.dropLast().allSatisfy { $0.data.floatingIP == machine.floatingIP })
        for post in posts {
            #expect(post.path == path)
            let id = try #require(post.headers["webhook-id"])
            let timestamp = try #require(post.headers["webhook-timestamp"].flatMap { Int($0) })
            let signature = secret.signature(id: id, timestamp: timestamp, body: Data(post.body.utf8))
            #expect(post.headers["webhook-signature"] == signature)
        }
        #expect(try await agent.stop() == 0)
    }
}
