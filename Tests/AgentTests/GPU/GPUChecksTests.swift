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

    @Test("This host is looked at whole")
    func thisHost() async throws {
        let answer = try await doctor([])
        for subject in ["qemu-img: ", "guests: run by", "IOMMU: "] { #expect(answer.text.contains(subject)) }
        #expect([0, 1, 2].contains(answer.status))
    }
}
