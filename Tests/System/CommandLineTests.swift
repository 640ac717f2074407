// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryClient
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A tenant's work at the command line")
struct CommandLineTests {
    private static let creation = [
        "vm", "create", "web", "--environment", "TestEnv", "--image", "TestImage", "--flavor", CloudData.flavor,
        "--key", "TestKey", "--floating-ip", "--wait",
    ]

    @Test("A machine is made, seen, stopped, started, hibernated, brought back and deleted, each waited for")
    func life() async throws {
        try await SimulatedCloud.with { cloud in
            let gantry = { (arguments: [String]) in try await cloud.gantry(arguments, as: TestData.apiKey) }
            let made = try await gantry(Self.creation)
            #expect(made.status == 0, "\(made)")
            #expect(made.text.hasPrefix("ID  NAME  STATUS  ENVIRONMENT  FLAVOR  FLOATING IP\n1   web   ACTIVE"))
            // Each change is a line where standard error is no terminal.
            #expect(made.errorText.hasSuffix("web: ACTIVE\n"), "\(made)")
            for (command, status) in [
                ("stop", "SHUTOFF"), ("start", "ACTIVE"), ("reboot", "ACTIVE"), ("hibernate", "HIBERNATED"),
                ("restore", "ACTIVE"),
            ] {
                let done = try await gantry(["vm", command, "web", "--wait"])
                #expect((done.status, done.text) == (0, "web is \(status).\n"), "\(done)")
            }
            let json = try await gantry(["vm", "show", "1", "--output", "json"]).text
            let fields = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
            #expect(fields["name"] as? String == "web")
            let yaml = try await gantry(["vm", "list", "-o", "yaml"]).text
            #expect(yaml.contains("\n  name: web\n") && yaml.contains("\n  degraded_reason: null\n"), "\(yaml)")
            let gone = try await gantry(["vm", "delete", "web", "--wait"])
            #expect((gone.status, gone.text) == (0, "web is gone.\n"), "\(gone)")
            let missing = try await gantry(["vm", "show", "web"])
            #expect((missing.status, missing.text) == (1, ""))
            #expect(missing.errorText == "gantry: There is no machine “web”; gantry vm list shows yours.\n")
        }
    }

    @Test("Environments, keys, volumes and snapshots are made, listed, used by name and deleted")
    func resources() async throws {
        try await SimulatedCloud.with { cloud in
            let gantry = { (line: String) in
                try await cloud.gantry(line.split(separator: " ").map(String.init), as: TestData.apiKey)
            }
            for noun in ["region", "flavor", "image"] {
                let listed = try await gantry("\(noun) list")
                #expect(listed.status == 0 && listed.text.contains("Test"), "\(listed)")
            }
            let key = "\(cloud.folder)/key1"
            for line in [
                "environment create lab --region TestRegion", "key add mine --environment lab --file \(key).pub",
                "vm create web --environment lab --image TestImage --flavor \(CloudData.flavor) --key mine --wait",
                "volume create data --environment lab --size 1", "volume attach data web",
            ] {
                let done = try await gantry(line)
                #expect(done.status == 0, "\(line): \(done)")
            }
            try await eventually("the machine has the volume") {
                try await cloud.api.instance(1)?.volumeAttachments.first?.status == "ATTACHED"
            }
            #expect(try await gantry("volume list").text.contains("data"))
            let unknownImage = try await gantry("vm create x --environment lab --image x --flavor x --key mine -o json")
            let refusal = try JSONSerialization.jsonObject(with: Data(unknownImage.errorText.utf8)) as? [String: Any]
            #expect(unknownImage.status == 1 && unknownImage.text.isEmpty, "\(unknownImage)")
            #expect(refusal?["error_reason"] as? String == "not_found", "\(unknownImage)")
            let private_ = try await gantry("key add bad --environment lab --file \(key)")
            #expect(private_.status == 64 && private_.errorText.contains(".pub"), "\(private_)")
            let busy = try await gantry("environment delete lab")
            #expect(busy.status == 1 && busy.text.isEmpty, "\(busy)")
            #expect(try await gantry("volume detach data").status == 0)
            try await eventually("the volume is gone") { try await gantry("volume delete data").status == 0 }
            #expect(try await gantry("snapshot create web --name kept").status == 0)
            try await eventually("the list says why the snapshot failed") {
                let listed = try await gantry("snapshot list").text
                return listed.contains("ERROR") && listed.contains("A simulated host has no disks to copy.")
            }
            #expect(try await gantry("snapshot delete kept").status == 0)
            for line in ["vm delete web --wait", "key delete mine"] {
                let done = try await gantry(line)
                #expect(done.status == 0, "\(line): \(done)")
            }
            try await eventually("the environment is gone") { try await gantry("environment delete lab").status == 0 }
            let unknown = try await gantry("volume show-me")
            #expect(unknown.status == 64)
        }
    }

    @Test("ssh gets the machine's address, its user, a host key's name of its own, and what follows")
    func ssh() async throws {
        try await SimulatedCloud.with { cloud in
            let stand = "\(cloud.folder)/bin"
            try FileManager.default.createDirectory(atPath: stand, withIntermediateDirectories: true)
            try "#!/bin/sh\nprintf '%s\\n' \"$@\"\nexit 7\n"
                .write(
                    toFile: "\(stand)/ssh",
                    atomically: true,
                    encoding: .utf8
                )
            try await shell("chmod", "755", "\(stand)/ssh")
            let path = ["PATH": "\(stand):/usr/bin:/bin", "XDG_CONFIG_HOME": "\(cloud.folder)/con fig%h"]
            _ = try await cloud.gantry(Self.creation, as: TestData.apiKey)
            let address = try #require(try await cloud.api.instance(1)?.floatingIP)
            let login = try await cloud.gantry(
                ["vm", "ssh", "web", "--user", "me", "-i", "a key", "--", "echo", "$HOME; true"],
                as: TestData.apiKey,
                environment: path
            )
            #expect(login.status == 7)
            #expect(login.text.hasPrefix("-i\na key\n-o\n"), "\(login)")
            #expect(login.text.hasSuffix("\nme@\(address)\necho\n$HOME; true\n"), "\(login)")
            try await Self.checkHostKeys(cloud, path["XDG_CONFIG_HOME"] ?? "")
            _ = try await cloud.gantry(["vm", "detach-floating-ip", "web"], as: TestData.apiKey)
            try await eventually("the address is gone") { try await cloud.api.instance(1)?.floatingIP == nil }
            let unreachable = try await cloud.gantry(["vm", "ssh", "web"], as: TestData.apiKey, environment: path)
            #expect(unreachable.status == 1)
            #expect(unreachable.errorText.contains("gantry vm attach-floating-ip"), "\(unreachable)")
        }
    }

    /// OpenSSH says itself what it makes of the options.
    private static func checkHostKeys(_ cloud: SimulatedCloud, _ home: String) async throws {
        let uuid = try #require(try await cloud.api.instance(1)?.uuid)
        let settings = { (words: [String]) in
            try await cloud.gantry(
                ["vm", "ssh", "web", "--user", "me", "--", "-G"] + words,
                as: TestData.apiKey,
                environment: ["XDG_CONFIG_HOME": home]
            )
            .text.split(separator: "\n").map(String.init)
        }
        let usual = try await settings(["uptime"])
        #expect(usual.contains("stricthostkeychecking accept-new") && usual.contains("hostkeyalias gantry-\(uuid)"))
        let file = "\(home)/gantry/known_hosts-http_127.0.0.1_\(cloud.conductor.port)"
        #expect(usual.contains { $0.hasPrefix("userknownhostsfile ") && $0.contains(file) }, "\(usual)")
        let own = try await settings(["-vo", "StrictHostKeyChecking=no", "-l", "you", "uptime"])
        #expect(own.contains("stricthostkeychecking false") && own.contains("user you"), "\(own)")
        #expect(own.contains("hostkeyalias gantry-\(uuid)"))
    }

    @Test("Clouds are remembered where nobody else can read them, and the one in use is used; names are completed live")
    func contexts() async throws {
        try await SimulatedCloud.with { cloud in
            _ = try await cloud.gantry(Self.creation, as: TestData.apiKey)
            let home = ["XDG_CONFIG_HOME": "\(cloud.folder)/config"]
            let gantry = { (input: String, arguments: [String]) in
                try await run(
                    "env",
                    ["-u", "GANTRY_URL", "-u", "GANTRY_API_KEY", SimulatedCloud.program] + arguments,
                    input: input,
                    environment: home
                )
            }
            let first = try await gantry("", ["vm", "list"])
            #expect(first.status == 64 && first.errorText.contains("gantry context add NAME"), "\(first)")
            let added = try await gantry(
                TestData.apiKey + "\n",
                ["context", "add", "test", "--url", cloud.conductor.url]
            )
            #expect(added.status == 0, "\(added)")
            #expect(!added.text.contains(TestData.apiKey))
            let file = "\(cloud.folder)/config/gantry/config.yaml"
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(try await gantry("", ["vm", "list"]).text.contains("web"))
            #expect(try await gantry("", ["context", "list"]).text.hasSuffix("  yes\n"))
            let script = """
                source <(gantry --generate-completion-script bash)
                COMP_WORDS=(gantry vm show ''); COMP_CWORD=3
                _gantry gantry '' show
                echo ${COMPREPLY[@]}
                """
            let names = try await run(
                "bash",
                ["-c", script],
                environment: home.merging(["PATH": Repository.path(".build/debug") + ":/usr/bin:/bin"]) { $1 }
            )
            #expect(names.text.contains("web"), "\(names)")
            let other = try await gantry("", ["vm", "list", "--context", "prod"])
            #expect(other.status == 64 && other.errorText.contains("Known: test."), "\(other)")
            #expect(try await gantry("", ["context", "add", "x", "--url", "conductor"]).status == 64)
            _ = try await gantry("", ["context", "remove", "test"])
            #expect(try await gantry("", ["vm", "list"]).status == 64)
            #expect(try !String(contentsOfFile: file, encoding: .utf8).contains(TestData.apiKey))
        }
    }
}
