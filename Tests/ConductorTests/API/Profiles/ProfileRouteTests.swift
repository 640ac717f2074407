// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Configurations of machines are kept under names, each within its organization")
struct ProfileRouteTests {
    private static let profiles = "/v1/core/profiles"

    private func list(_ api: TestAPI, _ key: String = TestAPI.key) async throws -> [ProfileBody] {
        try await api.call(.get, Self.profiles, key: key).decoded(ProfilesAnswer.self).profiles
    }

    @Test("A profile is made, listed, shown and deleted")
    func life() async throws {
        try await TestAPI.with { api in
            let body = #"{"name":"small","description":"for tests","data":{"flavor_name":"small","count":"2"}}"#
            let answer = try await api.call(.post, Self.profiles, body)
            #expect(answer.status == .created)
            let made = try answer.decoded(Answer<ProfileBody>.self).content
            #expect((made.name, made.description) == ("small", "for tests"))
            #expect(made.data == #"{"count":"2","flavor_name":"small"}"#)
            #expect(try await api.call(.post, Self.profiles, body).error?.errorReason == "already_exist")
            #expect(try await list(api) == [made])
            let path = "\(Self.profiles)/\(made.id)"
            #expect(try await api.call(.get, path).decoded(Answer<ProfileBody>.self).content == made)
            #expect(try await list(api, TestAPI.strangersKey).isEmpty)
            for method in [HTTPRequest.Method.get, .delete] {
                #expect(try await api.call(method, path, key: TestAPI.strangersKey).status == .notFound)
            }
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await api.call(.get, path).status == .notFound)
        }
    }

    @Test("A create keeps its configuration, or makes neither machine nor profile")
    func create() async throws {
        try await TestAPI.with { api in
            let kept: [String: String] = ["name": "web", "description": "as in May"]
            _ = try await api.create(["profile": kept, "labels": ["a", "b"], "user_data": "#!/bin/sh\n"])
            let profile = try #require(try await list(api).first)
            #expect((profile.name, profile.description) == ("web", "as in May"))
            let data = try JSONDecoder().decode([String: String].self, from: Data(profile.data.utf8))
            #expect(
                data == [
                    "environment_name": "default", "image_name": "micro", "flavor_name": "small", "count": "1",
                    "key_names": #"["laptop"]"#, "labels": #"["a","b"]"#, "user_data": "#!/bin/sh\n",
                ]
            )
            let before = try await api.leftovers()
            let taken = try await api.call(
                .post,
                TestAPI.machines,
                TestAPI.creation(["name": "other", "profile": kept])
            )
            #expect((taken.status, taken.error?.errorReason) == (.conflict, "already_exist"))
            #expect(taken.error?.message.contains("profile named “web”") == true, "\(taken)")
            let odd = try TestAPI.creation(["name": "other", "profile": ["name": "x", "size": "y"]])
            let refused = try await api.call(.post, TestAPI.machines, odd)
            #expect(refused.error?.message.hasPrefix("profile.size: there is no such field") == true, "\(refused)")
            let nameless = try TestAPI.creation(["name": "other", "profile": ["name": ""]])
            #expect(
                try await api.call(.post, TestAPI.machines, nameless).error?.message.hasPrefix("profile.name") == true
            )
            #expect(try await api.leftovers() == before)
            #expect(try await list(api).count == 1)
        }
    }
}
