// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

@Suite("POST /v1/core/virtual-machines makes machines, or says what is wrong and leaves nothing")
struct MachineCreateRouteTests {
    @Test("The answer holds the machine with its floating IP, in the vendor's shape, with every field there")
    func shape() async throws {
        try await TestAPI.with { api in
            let rule =
                #"{"direction":"ingress","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0","port_range_min":22,"port_range_max":22}"#
            let answer = try await api.call(
                .post,
                TestAPI.machines,
                """
                {"name":"web","environment_name":"default","image_name":"micro","flavor_name":"small",
                 "key_name":"laptop","count":1,"assign_floating_ip":true,"labels":["b","a"],
                 "enable_port_randomization":true,"security_rules":[\(rule)]}
                """
            )
            #expect(answer.status == .ok, "\(answer)")
            let fields = try #require(try JSONSerialization.jsonObject(with: answer.body) as? [String: Any])
            #expect(fields["status"] as? Bool == true)
            let instance = try #require((fields["instances"] as? [[String: Any]])?.first)
            let expected: Set = [
                "id", "name", "status", "environment", "image", "flavor", "os", "keypair", "keypairs",
                "volume_attachments", "power_state", "vm_state", "fixed_ip", "floating_ip", "floating_ip_status",
                "security_rules", "callback_url", "locked", "contract_id", "labels", "created_at", "features",
                "is_snapshotting", "cluster_id", "dedicated_inference_id", "enhanced_metrics", "port_randomization",
                "port_randomization_status", "requires_public_ip", "fault", "degraded_reason", "progress", "uuid",
            ]
            #expect(Set(instance.keys) == expected)
            #expect(instance["power_state"] is NSNull)
            let created = try #require(instance["created_at"] as? String)
            #expect(created.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/) != nil)

            let machine = try #require(try answer.decoded(CreateInstancesAnswer.self).instances.first)
            #expect(machine.status == "CREATING")
            #expect(machine.floatingIP?.hasPrefix("203.0.113.") == true)
            #expect(machine.floatingIPStatus == "ATTACHING")
            #expect(machine.labels == ["a", "b"])
            #expect(machine.keypair.name == "laptop")
            #expect(machine.flavor.ram == 0.5)
            #expect(machine.securityRules.map(\.direction) == ["egress", "egress", "ingress"])
            #expect(machine.securityRules.last?.status == "pending")
        }
    }

    @Test("A request without a name gets a memorable one; more than one machine get numbers")
    func names() async throws {
        try await TestAPI.with { api in
            let unnamed = try await api.create(["name": nil])
            #expect(unnamed.first?.name.wholeMatch(of: /[a-z]+-[a-z]+-\d{4}/) != nil)
            let several = try await api.create(["name": "web", "count": 3])
            #expect(several.map(\.name) == ["web-1", "web-2", "web-3"])
        }
    }

    @Test(
        "Legal names arrive as they are, whatever metacharacters they hold",
        arguments: [
            "a<b>&\"'c", "'; DROP TABLE virtual_machine; --", "$(reboot) `id` | ;", "- yaml: [x", "ünï čödé 火 🚀",
            "\u{1FBFF}",
            "a/b\\c%20", "{\"json\": 1}", "12345",
        ]
    )
    func metacharacters(_ name: String) async throws {
        try await TestAPI.with { api in
            let machine = try #require(try await api.create(["name": name, "labels": [name]]).first)
            #expect(machine.name == name)
            #expect(machine.labels == [name])
            let shown = try await api.call(.get, "\(TestAPI.machines)/\(machine.id)").decoded(InstanceAnswer.self)
            #expect(shown.instance.name == name)
        }
    }

    /// A field, a value that it cannot have, the status, and a word of the complaint beside the field's name.
    struct BadField: CustomStringConvertible, Sendable {
        let field: String
        let value: (any Sendable)?
        var status = 400
        let word: String
        var description: String { "\(field): \(value.map { "\($0)".prefix(40) } ?? "missing")" }
    }

    private static let badFields = [
        BadField(field: "name", value: "", word: "empty"),
        BadField(field: "name", value: String(repeating: "x", count: 51), word: "51"),
        BadField(field: "name", value: " padded", word: "space"),
        BadField(field: "name", value: "a\nb", word: "control"),
        BadField(field: "name", value: "a\0b", word: "control"),
        BadField(field: "name", value: "a\u{FFFE}b", word: "control"),
        BadField(field: "name", value: 7, word: "string"),
        BadField(field: "environment_name", value: nil, word: "missing"),
        BadField(field: "environment_name", value: "nowhere", status: 404, word: "nowhere"),
        BadField(field: "image_name", value: nil, word: "missing"),
        BadField(field: "image_name", value: "none", status: 404, word: "none"),
        BadField(field: "flavor_name", value: nil, word: "missing"),
        BadField(field: "flavor_name", value: "huge", status: 404, word: "huge"),
        BadField(field: "key_names", value: nil, word: "missing"),
        BadField(field: "key_names", value: ["laptop", "lost"], status: 404, word: "lost"),
        BadField(field: "key_names", value: "laptop", word: "list"),
        BadField(field: "count", value: 0, word: "1 to 100"),
        BadField(field: "count", value: 10000, word: "1 to 100"),
        BadField(field: "count", value: "many", word: "number"),
        BadField(field: "labels", value: [""], word: "empty"),
        BadField(field: "labels", value: ["a\u{7}"], word: "control"),
        BadField(field: "assign_floating_ip", value: "yes", word: "true or false"),
        BadField(field: "user_data", value: String(repeating: "x", count: 65537), word: "65536"),
        BadField(field: "callback_url", value: "not a url", word: "URL"),
        BadField(field: "callback_url", value: "ftp://example.com/", word: "URL"),
        BadField(field: "callback_url", value: "http://127.0.0.1/x", word: "public"),
        BadField(field: "callback_url", value: "http://169.254.169.254/latest", word: "public"),
        BadField(field: "callback_url", value: "http://10.1.2.3/", word: "public"),
        BadField(field: "callback_url", value: "http://2130706433/", word: "public"),
        BadField(field: "callback_url", value: "http://0x7f.1/", word: "public"),
        BadField(field: "callback_url", value: "http://[::1]/", word: "public"),
        BadField(field: "callback_url", value: "http://localhost:8080/", word: "public"),
        BadField(field: "callback_url", value: "https://u:p@example.com/", word: "password"),
        BadField(field: "callback_url", value: "https://example.com/hook#part", word: "fragment"),
        BadField(field: "profile", value: ["name": ""], word: "empty"),
        BadField(field: "flavor", value: ["cpu": 2], word: "not supported"),
        BadField(field: "flavour_name", value: "small", word: "flavor_name"),
    ]

    @Test("A field that cannot be is named with its reason, and leaves nothing")
    func badFields() async throws {
        try await TestAPI.with { api in
            for bad in Self.badFields {
                let answer = try await api.call(.post, TestAPI.machines, TestAPI.creation([bad.field: bad.value]))
                #expect(answer.status.code == bad.status, "\(bad): \(answer)")
                let message = answer.error?.message ?? ""
                #expect(message.contains(bad.field) && message.contains(bad.word), "\(bad): \(message)")
                #expect(try await api.leftovers() == 0, "\(bad)")
            }
        }
    }

    @Test(
        "A rule that cannot be is named by its place and part",
        arguments: [
            (
                #"{"direction":"sideways","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0"}"#,
                "direction"
            ),
            (
                #"{"direction":"ingress","protocol":"tcp; drop","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0"}"#,
                "protocol"
            ),
            (
                #"{"direction":"ingress","protocol":"tcp","ethertype":"IPX","remote_ip_prefix":"0.0.0.0/0"}"#,
                "ethertype"
            ),
            (
                #"{"direction":"ingress","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"10.0.0.1/8"}"#,
                "remote_ip_prefix"
            ),
            (
                #"{"direction":"ingress","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0 } accept"}"#,
                "remote_ip_prefix"
            ),
            (
                #"{"direction":"ingress","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0","port_range_min":90,"port_range_max":80}"#,
                "port_range_min"
            ),
            (
                #"{"direction":"ingress","protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0","port_range_min":70000}"#,
                "port_range_min"
            ),
            (#"{"protocol":"tcp","ethertype":"IPv4","remote_ip_prefix":"0.0.0.0/0"}"#, "direction"),
        ]
    )
    func badRule(_ rule: String, _ part: String) async throws {
        try await TestAPI.with { api in
            let body = try TestAPI.creation().dropLast() + #","security_rules":[\#(rule)]}"#
            let answer = try await api.call(.post, TestAPI.machines, String(body))
            #expect(answer.status == .badRequest)
            #expect(answer.error?.message.contains("security_rules[0].\(part)") == true, "\(answer)")
            #expect(try await api.leftovers() == 0)
        }
    }

    @Test("What is no JSON object is refused", arguments: ["", "{", "[]", "7", "\"x\"", "{\"name\": }"])
    func noJSON(_ body: String) async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.post, TestAPI.machines, body)
            #expect(answer.status == .badRequest, "\(answer)")
            #expect(answer.error?.errorReason == "bad_request")
        }
    }

    @Test(
        "user_data may be text or base64 of what cloud-init reads, and is kept byte for byte",
        arguments: [
            ("#!/bin/sh\necho \"$1\" <&> '\n", Data("#!/bin/sh\necho \"$1\" <&> '\n".utf8)),
            (Data("#cloud-config\n".utf8).base64EncodedString(), Data("#cloud-config\n".utf8)),
            (Data([0x1F, 0x8B, 8, 0]).base64EncodedString(), Data([0x1F, 0x8B, 8, 0])),
            ("Content-Type: multipart/mixed\r\n\r\n--x", Data("Content-Type: multipart/mixed\r\n\r\n--x".utf8)),
            // Base64 of nothing that cloud-init knows is somebody's text.
            ("c2VjcmV0", Data("c2VjcmV0".utf8)),
        ]
    )
    func userData(_ text: String, _ bytes: Data) async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["user_data": text])
            let kept: Data = try await api.cloud.database.read { transaction in
                try #require(try transaction.query("SELECT user_data FROM virtual_machine").first)["user_data"]
            }
            #expect(kept == bytes)
        }
    }

    @Test("A name that is taken is a conflict, also by one of several")
    func taken() async throws {
        try await TestAPI.with { api in
            _ = try await api.create(["name": "web-2"])
            let same = try await api.call(.post, TestAPI.machines, TestAPI.creation(["name": "web-2"]))
            #expect(same.status == .conflict)
            #expect(same.error?.errorReason == "already_exist")
            let several = try await api.call(.post, TestAPI.machines, TestAPI.creation(["name": "web", "count": 3]))
            #expect(several.status == .conflict)
            #expect(try await api.cloud.number("SELECT count(*) AS number FROM virtual_machine") == 1)
        }
    }

    @Test("No capacity is said at once, with how many nodes fail which condition")
    func noCapacity() async throws {
        try await TestAPI.with { api in
            try await api.cloud.execute("UPDATE compute_node SET cordoned = true, cordon_reason = 'fans'")
            let answer = try await api.call(.post, TestAPI.machines, TestAPI.creation())
            #expect(answer.status == .conflict)
            #expect(answer.error?.errorReason == "no_capacity")
            #expect(answer.error?.message.contains("cordoned: 1") == true, "\(answer)")
            #expect(try await api.leftovers() == 0)
        }
    }

    @Test("A flavor that no node could ever hold is the request's fault")
    func neverFits() async throws {
        try await TestAPI.with { api in
            let answer = try await api.call(.post, TestAPI.machines, TestAPI.creation(["flavor_name": "gpu"]))
            #expect(answer.status == .badRequest)
            #expect(answer.error?.message.contains("no GPU of the type: 1") == true, "\(answer)")
        }
    }
}
