// SPDX-License-Identifier: Apache-2.0

import AMQP
import Agent
import Foundation
import GantryModel
import GantryTestSupport
import Logging
import Settings
import Testing

@Suite("An agent's settings are read once, and a wrong one is named")
struct AgentConfigurationTests {
    private static let needed = [
        "GANTRY_CONDUCTOR_URL": "https://conductor.example:8443", "GANTRY_NODE_NAME": "n1",
        "GANTRY_NODE_API_KEY": "key", "GANTRY_AMQP_URL": "amqps://n1:p%40ss@broker.example/gantry",
    ]

    private func read(_ changes: [String: String?]) throws -> AgentConfiguration {
        var variables = Self.needed
        for (name, value) in changes { variables[name] = value }
        return try AgentConfiguration(SettingsReader(SettingsSources(file: nil, environment: variables)))
    }

    @Test("What has to be said is enough")
    func defaults() throws {
        let configuration = try read([:])
        #expect(configuration.conductorURL == "https://conductor.example:8443")
        #expect(configuration.broker.host == "broker.example" && configuration.broker.password == "p@ss")
        #expect(configuration.stateDirectory == "/var/lib/gantry")
        #expect(configuration.virtType == .auto && configuration.orphanPolicy == .report)
        #expect((configuration.reserved.memoryMiB, configuration.concurrency) == (512, 8))
        #expect((configuration.lookInterval, configuration.metricsInterval) == (30, 60))
        #expect(configuration.gpus == GPUPolicy() && configuration.quirks == GPUQuirks())
        #expect(configuration.hugePages == .ordinary)
        #expect(configuration.uplink == nil && configuration.logLevel == .info)
    }

    @Test("What is said is taken")
    func given() throws {
        let configuration = try read([
            "GANTRY_VIRT_TYPE": "qemu", "GANTRY_UPLINK": "eth1", "GANTRY_ORPHAN_POLICY": "remove",
            "GANTRY_RESERVED_VCPUS": "2", "GANTRY_CONCURRENCY": "64", "GANTRY_LOG_LEVEL": "debug",
            "GANTRY_STATE_DIRECTORY": "/srv/gantry", "GANTRY_STATUS_PORT": "0",
            "GANTRY_GPU_ALLOW": "10de:2330,0000:65:00.0", "GANTRY_GPU_DENY": "1002",
            "GANTRY_GPU_TYPES": "10de:2330=H100-80G-SXM5",
        ])
        let gpus = GPUPolicy(
            allow: [.id("10de:2330"), .address(try PCIAddress("0000:65:00.0"))],
            deny: [.vendor("1002")],
            types: [.id("10de:2330"): "H100-80G-SXM5"]
        )
        #expect(configuration.gpus == gpus)
        #expect(configuration.virtType == .qemu && configuration.orphanPolicy == .remove)
        #expect((configuration.uplink, configuration.reserved.vcpus) == ("eth1", 2))
        #expect((configuration.concurrency, configuration.statusPort) == (64, 0))
        #expect((configuration.logLevel, configuration.stateDirectory) == (Logger.Level.debug, "/srv/gantry"))
    }

    @Test("Huge pages are all for guests, but for those that the operator keeps")
    func hugePages() throws {
        let whole = try read(["GANTRY_HUGE_PAGES": "1GiB", "GANTRY_GPU_QUIRKS": "10de:2330=no-rom"])
        #expect((whole.hugePages, whole.reserved.memoryMiB) == (.gib1, 0))
        #expect(whole.quirks == GPUQuirks([.id("10de:2330"): [.noROM]]))
        let kept = try read(["GANTRY_HUGE_PAGES": "2MiB", "GANTRY_RESERVED_MEMORY_MIB": "4096"])
        #expect((kept.hugePages, kept.reserved.memoryMiB) == (.mib2, 4096))
    }

    @Test(
        "What is missing or wrong is named",
        arguments: [
            ("GANTRY_CONDUCTOR_URL", nil, "conductor.url"), ("GANTRY_CONDUCTOR_URL", "conductor", "conductor.url"),
            ("GANTRY_CONDUCTOR_URL", "ftp://conductor", "conductor.url"), ("GANTRY_NODE_NAME", nil, "node.name"),
            ("GANTRY_NODE_NAME", "Node 1", "node.name"), ("GANTRY_NODE_API_KEY", nil, "node.api_key"),
            ("GANTRY_AMQP_URL", nil, "amqp.url"), ("GANTRY_AMQP_URL", "broker.example", "amqp.url"),
            ("GANTRY_STATE_DIRECTORY", "gantry", "state.directory"), ("GANTRY_VIRT_TYPE", "xen", "virt_type"),
            ("GANTRY_ORPHAN_POLICY", "kill", "orphan_policy"), ("GANTRY_RESERVED_VCPUS", "-1", "reserved.vcpus"),
            ("GANTRY_RESERVED_MEMORY_MIB", "512M", "reserved.memory_mib"),
            ("GANTRY_RESERVED_DISK_GIB", "1.5", "reserved.disk_gib"), ("GANTRY_CONCURRENCY", "0", "concurrency"),
            ("GANTRY_CONCURRENCY", "many", "concurrency"), ("GANTRY_LOOK_INTERVAL", "0", "look_interval"),
            ("GANTRY_GPU_ALLOW", "nvidia", "gpu.allow"), ("GANTRY_GPU_DENY", "65:00.0", "gpu.deny"),
            ("GANTRY_GPU_TYPES", "10de", "gpu.types"), ("GANTRY_GPU_TYPES", "10de=H 100", "gpu.types"),
            ("GANTRY_GPU_QUIRKS", "10de=x-no-mmap", "gpu.quirks"), ("GANTRY_HUGE_PAGES", "1G", "huge_pages"),
            ("GANTRY_METRICS_INTERVAL", "3601", "metrics_interval"),
            ("GANTRY_STATUS_PORT", "65536", "status.port"),
            ("GANTRY_LOG_LEVEL", "loud", "log.level"),
        ] as [(String, String?, String)]
    )
    func wrong(_ variable: String, _ value: String?, _ key: String) throws {
        let error = try #require(throws: InvalidValue.self) { try read([variable: value]) }
        #expect("\(error)".contains(key), "\(error)")
        // A secret is not told along.
        #expect(!"\(error)".contains("p%40ss"))
    }

    @Test("A file is read too, the environment before it, and a wrong number in it is named")
    func file() async throws {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/agent.yaml"
            let lines = """
                conductor: {url: "http://127.0.0.1:8080"}
                node: {name: n7, api_key: k}
                amqp: {url: "amqp://a:b@127.0.0.1:5672/v"}
                virt_type: kvm
                concurrency: 3
                """
            try lines.write(toFile: path, atomically: true, encoding: .utf8)
            let environment = ["GANTRY_CONCURRENCY": "4"]
            let configuration = try AgentConfiguration(
                SettingsReader(SettingsSources(file: path, environment: environment))
            )
            #expect(configuration.nodeName.description == "n7")
            #expect(configuration.virtType == .kvm && configuration.concurrency == 4)
            for wrong in ["many", "2.5", "true"] {
                try lines.replacing("concurrency: 3", with: "concurrency: \(wrong)")
                    .write(toFile: path, atomically: true, encoding: .utf8)
                let settings = SettingsReader(try SettingsSources(file: path, environment: [:]))
                let error = try #require(throws: InvalidValue.self) { try AgentConfiguration(settings) }
                #expect("\(error)".contains("concurrency"), "\(error)")
            }
        }
    }
}
