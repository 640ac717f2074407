// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import Testing
import Yams

@Suite("A seed's files hold what is wanted, whatever the tenant wrote")
struct SeedFilesTests {
    private static let hostile = [
        "ssh-ed25519 AAAA plain@example",
        "ssh-ed25519 AAAA it's \"quoted\" #1: yes, [no] {a: b} & *c !d |e >f %g @h `i`",
        "ssh-rsa AAAA back\\slash \\n \\t \\x41 $HOME $(id) 名前 🦕 é",
        "ssh-rsa AAAA " + String(repeating: "long ", count: 100),
        "ssh-rsa AAAA trailing:",
    ]

    private struct MetaData: Decodable, Equatable {
        let instanceID: String
        let hostname: String
        let keys: [String]

        enum CodingKeys: String, CodingKey {
            case instanceID = "instance-id"
            case hostname = "local-hostname"
            case keys = "public-keys"
        }
    }

    private func files(_ spec: MachineSpec) throws -> SeedFiles {
        try SeedFiles(spec, uuid: try MachineUUID(Example.uuid))
    }

    @Test("As files")
    func golden() async throws {
        let text = String(decoding: try files(Example.spec(keys: Self.hostile)).metaData, as: UTF8.self)
        try await expectGolden(text, "meta-data.yaml")
        let plain = try files(Example.spec())
        try await expectGolden(String(decoding: plain.metaData, as: UTF8.self), "meta-data-plain.yaml")
        try await expectGolden(String(decoding: plain.userData, as: UTF8.self), "user-data-default.yaml")
    }

    @Test("Keys are read back from the YAML as they were")
    func keys() throws {
        let data = try files(Example.spec(keys: Self.hostile)).metaData
        let read = try YAMLDecoder().decode(MetaData.self, from: data)
        #expect(read == MetaData(instanceID: Example.uuid, hostname: "web", keys: Self.hostile))
        #expect(try YAMLDecoder().decode(MetaData.self, from: try files(Example.spec(keys: [])).metaData).keys == [])
    }

    @Test(
        "A hostname that YAML might take for something else stays text",
        arguments: ["yes", "on", "null", "true", "0123", "1e3", "0x1f", "1-2-3", "2001-01-01", "-", "12"]
    )
    func hostname(_ name: String) throws {
        let data = try files(Example.spec(hostname: name)).metaData
        #expect(try YAMLDecoder().decode(MetaData.self, from: data).hostname == name)
        // Parsed without a type to expect, as a guest does.
        let tree = try #require(try Yams.load(yaml: String(decoding: data, as: UTF8.self)) as? [String: Any])
        #expect(tree["local-hostname"] as? String == name)
    }

    @Test(
        "user_data is the tenant's bytes",
        arguments: [
            Data(), Data("#!/bin/sh\r\necho 'a\"b'\n".utf8), Data([0x1F, 0x8B, 0, 255, 10, 13, 0]),
            Data("Content-Type: multipart/mixed; boundary=\"x\"\n".utf8),
        ]
    )
    func userData(_ bytes: Data) throws {
        #expect(try files(Example.spec(userData: bytes)).userData == bytes)
    }
}
