// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Settings
import Testing

@Suite("What Fabric Manager says of the host's GPUs")
struct FabricLookTests {
    @Test("Its modules are found by the operator's list, or where it says itself where they are")
    func modules() async throws {
        try await FabricHost.with { host in
            let known = try await host.keeper().fabricPartitions()
            #expect(known.map(\.id) == Array(0...14))
            #expect(known[3].gpus.map { "\($0)" } == ["0000:9d:00.0", "0000:bd:00.0"])
            let lines = FabricHost.modules.map { "\($0.key) 00000000:\($0.value.uppercased()):00.0\n" }
            try host.write("addresses", lines.joined())
            #expect(try await partitions(host, [:]) == known)
            #expect(try await partitions(host, host.addresses) == known)
            // As the guide has it of hosts where Fabric Manager sees no GPU.
            try host.write("addresses", "1 00000000:00:00.0\n")
            #expect(try await partitions(host, host.addresses) == known)
        }
    }

    private func partitions(_ host: FabricHost, _ modules: [Int: PCIAddress]) async throws -> [FabricPartition] {
        let keeper = GPUKeeper(
            scan: GPUScan(root: host.root, policy: GPUPolicy()),
            root: host.root,
            ledger: GPULedger(path: "\(host.root)/none.json"),
            hook: nil,
            returnsDrivers: true,
            fabric: GPUFabric(manager: host.command, modules: modules),
            logger: Example.logger
        )
        return try await keeper.fabricPartitions()
    }

    @Test("A list that says otherwise than Fabric Manager is believed in nothing")
    func contradiction() async throws {
        try await FabricHost.with { host in
            try host.write("addresses", "1 00000000:AE:00.0\n")
            let unit = try #require(try await host.keeper().inventory().first)
            #expect(unit.condition == .faulty)
            let reason = "Fabric Manager has module 1 at 0000:ae:00.0, not at 0000:9d:00.0; correct gpu.fabric_modules."
            #expect(unit.reason == reason)
        }
    }

    @Test("A partition with a GPU that is not known or not offered goes to nobody; its other GPUs do")
    func parts() async throws {
        try await FabricHost.with { host in
            var modules = try host.addresses
            modules[8] = nil
            #expect(try await partitions(host, modules).map(\.id) == [1, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13])
            #expect(try await partitions(host, [:]).isEmpty)
        }
    }

    @Test("What is no list is refused, and a program that does not come back is not waited for")
    func unreadable() async throws {
        try await withTemporaryDirectory { folder in
            for (name, text) in [("empty", "true"), ("other", "echo '{}'"), ("slow", "sleep 3600")] {
                let program = "\(folder)/\(name)"
                try Data("#!/bin/sh\n\(text)\n".utf8).write(to: URL(filePath: program))
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
                let manager = FabricManagerCommand(program: program, deadline: .milliseconds(300))
                await #expect(throws: Fault.self) { try await manager.partitions() }
            }
        }
    }

    private func fabric(_ variables: [String: String]) throws -> GPUFabric? {
        let settings = SettingsReader(try SettingsSources(file: nil, environment: variables))
        let fabric = GPUFabric(settings)
        try settings.refuseMistakes()
        return fabric
    }

    @Test("Settings that are wrong are named")
    func settings() throws {
        let path = ["GANTRY_GPU_FABRIC_MANAGER": "/usr/bin/fmpm"]
        #expect(try fabric([:]) == nil)
        #expect(try fabric(path) != nil)
        #expect(throws: InvalidValue.self) { try fabric(["GANTRY_GPU_FABRIC_MANAGER": "fmpm"]) }
        let wrong = [
            "1", "x=0000:1b:00.0", "1=1b:00.0", "1=0000:1b:00.0,1=0000:1c:00.0", "1=0000:1b:00.0,2=0000:1b:00.0",
        ]
        for text in wrong {
            let error = #expect(throws: InvalidValue.self) {
                try fabric(path.merging(["GANTRY_GPU_FABRIC_MODULES": text]) { $1 })
            }
            #expect(error?.description.hasPrefix("gpu.fabric_modules") == true, "\(text)")
        }
    }

    @Test("Packaging/gpu/modules prints the list of a host, or that some are missing")
    func script() async throws {
        try await withTemporaryDirectory { folder in
            let text = """
                Attached GPUs                             : 2
                GPU 00000000:9D:00.0
                    Product Name                          : NVIDIA H100
                    GPU Module ID                         : 1
                GPU 00010000:AE:00.0
                    Platform Info
                        Module Id                         : 2
                """
            let program = "\(folder)/nvidia-smi"
            func print(_ text: String) async throws -> CommandOutput {
                try Data("#!/bin/sh\ncat <<'EOF'\n\(text)\nEOF\n".utf8).write(to: URL(filePath: program))
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
                let path = "\(folder):/usr/bin:/bin"
                return try await run(Repository.path("Packaging/gpu/modules"), [], environment: ["PATH": path])
            }
            let output = try await print(text)
            #expect(output.text == "gpu:\n  fabric_modules: [\"1=0000:9d:00.0\", \"2=00010000:ae:00.0\"]\n")
            let less = try await print(text.replacing(": 2\nGPU", with: ": 8\nGPU"))
            #expect(less.status == 1 && less.errorText.contains("2 of 8 GPUs"))
        }
    }
}
