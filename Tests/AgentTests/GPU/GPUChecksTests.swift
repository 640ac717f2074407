// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryTestSupport
import Testing

@Suite("The doctor says what a host lacks for giving its GPUs to guests")
struct GPUChecksTests {
    private struct Answer {
        let status: Int32
        let text: String
    }

    private func doctor(_ arguments: [String]) async throws -> Answer {
        let program = Repository.path(".build/debug/gantry-agent")
        let output = try await run(program, ["doctor"] + arguments)
        #expect(output.errorText.isEmpty, "\(output.errorText)")
        return Answer(status: output.status, text: output.text)
    }

    @Test("Each recorded host's diagnosis is as known", arguments: recordedHosts)
    func golden(_ host: String) async throws {
        try await withRecordedHost(host) { root in
            let answer = try await doctor(["--root", root])
            try await expectGolden("\(answer.text)Exit status \(answer.status)\n", "doctor-\(host).txt")
        }
    }

    @Test("Scripts get the same as JSON")
    func json() async throws {
        try await withRecordedHost("boot-vga") { root in
            let answer = try await doctor(["--root", root, "--json"])
            try await expectGolden(answer.text, "doctor-boot-vga.json")
            #expect(answer.status == 1)
        }
    }

    @Test("The agent's configuration says which GPUs it is about")
    func configuration() async throws {
        try await withRecordedHost("boot-vga") { root in
            let file = "\(root)/agent.yaml"
            try "gpu:\n  deny: [\"10de\"]\n".write(toFile: file, atomically: true, encoding: .utf8)
            let answer = try await doctor(["--root", root, "--config", file])
            #expect(answer.status == 0 && answer.text.contains("not offered to guests"), "\(answer.text)")
        }
    }

    @Test("Fabric Manager's partitions are named, and what keeps guests from them; its silence is an error")
    func fabric() async throws {
        try await FabricHost.with { host in
            let file = "\(host.root)/agent.yaml"
            func doctor(without missing: Int? = nil) async throws -> Answer {
                let modules = try host.addresses.filter { $0.key != missing }.map { "\"\($0.key)=\($0.value)\"" }
                try "gpu:\n  fabric_manager: \(host.program)\n  fabric_modules: [\(modules.joined(separator: ", "))]\n"
                    .write(toFile: file, atomically: true, encoding: .utf8)
                return try await self.doctor(["--root", host.root, "--config", file])
            }
            try await host.command.activate(4)
            let well = try await doctor()
            let lines = [
                "OK      Fabric Manager: answers, with 15 partitions",
                "OK      partition 3: not active: 0000:9d:00.0, 0000:bd:00.0",
                "OK      partition 4: active: 0000:ae:00.0, 0000:de:00.0",
            ]
            #expect(well.status == 0 && lines.allSatisfy(well.text.contains), "\(well)")
            let less = try await doctor(without: 8)
            #expect(less.status == 1 && less.text.contains("WARNING partition 0: goes to no guest"), "\(less)")
            #expect(less.text.contains("WARNING GPU 0000:60:00.0: Fabric Manager has no partition with"), "\(less)")
            try host.disturb("-l -9")
            let silent = try await doctor()
            #expect(silent.status == 2 && silent.text.contains("ERROR   Fabric Manager: "), "\(silent)")
        }
    }

    @Test("This host is looked at whole")
    func thisHost() async throws {
        let answer = try await doctor([])
        for subject in ["qemu-img: ", "guests: run by", "IOMMU: "] { #expect(answer.text.contains(subject)) }
        #expect([0, 1, 2].contains(answer.status))
    }
}
