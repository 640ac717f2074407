// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("Key pairs are imported, listed, renamed and deleted, each within its organization")
struct KeypairRouteTests {
    private static let keypairs = "/v1/core/keypairs"
    private static let publicKey =
        #"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFw2Xq1cAq/7FGgQmNBl1k4aTK4iuDV1Xj8Vm8rnKxVU ada's "key" <a&b> 火"#

    private static func body(
        _ name: String,
        key: String = publicKey,
        environment: String = "default"
    ) throws -> String {
        let request = ImportKeypairRequest(name: name, environmentName: environment, publicKey: key)
        return String(decoding: try RESTJSON.encoder.encode(request), as: UTF8.self)
    }

    @Test("An imported key has the vendor's shape, and is as it was sent")
    func add() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.post, Self.keypairs, Self.body("desk & chair"))
            let json = try #require(try answer.decoded(JSON.self)["keypair"])
            #expect(
                json.keys
                    == ["id", "name", "environment", "public_key", "fingerprint", "created_at"]
            )
            #expect(json["environment"]?["name"] == .text("default"))
            let keypair = try answer.decoded(Answer<KeypairBody>.self).content
            #expect(keypair.publicKey == Self.publicKey)
            #expect(keypair.fingerprint.wholeMatch(of: /([0-9a-f]{2}:){15}[0-9a-f]{2}/) != nil)
            let list = try await api.call(.get, Self.keypairs).decoded(PageAnswer<KeypairBody>.self)
            #expect(list.contents.map(\.name) == ["laptop", "desk & chair"])
            #expect(list.contents.last == keypair)
            let found = try await api.call(.get, "\(Self.keypairs)?search=DESK").decoded(PageAnswer<KeypairBody>.self)
            #expect((found.count, found.contents.count) == (1, 1))
        }
    }

    @Test("A key with the end of its line is shown so, and reaches machines without it")
    func lineEnd() async throws {
        try await TestAPI.with { api in
            let node = try await api.onlyNode()
            let answer = try await api.call(.post, Self.keypairs, Self.body("file", key: Self.publicKey + "\r\n"))
            #expect(try answer.decoded(Answer<KeypairBody>.self).content.publicKey == Self.publicKey + "\r\n")
            _ = try await api.create(["key_names": ["file", "laptop"]])
            let task = try #require(try await node.desired()?.machines.first)
            #expect(task.spec?.authorizedKeys == [Self.publicKey, "ssh-ed25519 AAAA ada"])
        }
    }

    @Test("It is renamed and deleted, and machines that have it keep it as it was")
    func change() async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create().first)
            let path = "/v1/core/keypair/\(api.cloud.key)"
            let renamed = try await api.call(.put, path, #"{"name":"desktop"}"#)
            #expect(try renamed.decoded(Answer<KeypairBody>.self).content.name == "desktop")
            try await api.call(.post, Self.keypairs, Self.body("other"))
            #expect(try await api.call(.put, path, #"{"name":"other"}"#).error?.errorReason == "already_exist")
            #expect(try await api.call(.delete, path).status == .ok)
            #expect(try await api.call(.delete, path).status == .notFound)
            let shown = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").decoded(InstanceAnswer.self)
            #expect(shown.instance.keypair.name == "laptop")
        }
    }

    @Test("Another organization sees nothing of it and can do nothing to it")
    func scope() async throws {
        try await TestAPI.with { api in
            let calls: [(HTTPRequest.Method, String?)] = [(.put, #"{"name":"mine"}"#), (.delete, nil)]
            for (method, body) in calls {
                for (key, id) in [(TestAPI.strangersKey, "\(api.cloud.key)"), (TestAPI.key, "999"), (TestAPI.key, "x")]
                {
                    let answer = try await api.call(method, "/v1/core/keypair/\(id)", body, key: key)
                    #expect(answer.status == .notFound, "\(method) \(id) \(answer)")
                }
            }
            let list = try await api.call(.get, Self.keypairs, key: TestAPI.strangersKey)
            #expect(try list.decoded(PageAnswer<KeypairBody>.self).count == 0)
            let intrusion = try await api.call(.post, Self.keypairs, Self.body("x"), key: TestAPI.strangersKey)
            #expect(intrusion.status == .notFound)
            #expect(intrusion.error?.message.hasPrefix("environment_name:") == true)
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM key WHERE name = 'laptop'") == 1)
        }
    }

    @Test("What cannot be is named, and leaves no row")
    func badInput() async throws {
        try await TestAPI.with { api in
            let cases: [(String, HTTPResponse.Status, String)] = [
                (try Self.body(""), .badRequest, "name: it is empty"),
                (try Self.body(String(repeating: "x", count: 51)), .badRequest, "name: it has 51"),
                (try Self.body("a\u{1}"), .badRequest, "name: it holds a control character"),
                (try Self.body("laptop"), .conflict, "The environment has a key pair named “laptop”"),
                (try Self.body("x", environment: "nowhere"), .notFound, "environment_name: there is no environment"),
                (try Self.body("x", environment: "a\0"), .badRequest, "A text holds the character U+0000"),
                (try Self.body("x", key: "no key"), .badRequest, "public_key: “no” is not a type of key"),
                (#"{"name":"x","public_key":"k"}"#, .badRequest, "environment_name is missing"),
                (#"{"name":"x","environment_name":"default"}"#, .badRequest, "public_key is missing"),
                (#"{"name":"x","environment_name":1,"public_key":"k"}"#, .badRequest, "environment_name has to be"),
                (#"{"key":"x"}"#, .badRequest, "key: there is no such field"),
            ]
            for (body, status, complaint) in cases {
                let answer = try await api.call(.post, Self.keypairs, body)
                #expect(answer.status == status, "\(body) \(answer)")
                #expect(answer.error?.message.hasPrefix(complaint) == true, "\(body) \(answer)")
            }
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM key") == 1)
        }
    }

    @Test("The types that can be imported are listed")
    func supported() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.get, "/v1/core/supported-keypairs").decoded(SupportedKeypairsAnswer.self)
            #expect(answer.supportedKeyTypes == SSHPublicKey.types)
        }
    }
}
