// SPDX-License-Identifier: Apache-2.0

import Agent
import ArgumentParser
import Foundation
import Settings

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what this host lacks for machines and for giving them its GPUs.",
        discussion: "The exit status is 0 when all is well, 1 with warnings, and 2 when machines or GPUs cannot be had."
    )

    @Option(help: "The agent's configuration file, for gpu.…, huge_pages, state.directory and uplink.")
    var config: String?

    @Option(help: "Look at a host that was recorded below this directory, and only at what concerns its GPUs.")
    var root: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let settings = SettingsReader(try SettingsSources(file: config, program: "gantry-agent"))
        let diagnosis = try await Diagnosis(settings, root: root)
        print(try json ? diagnosis.json : diagnosis.text)
        if diagnosis.status != 0 { throw ExitCode(diagnosis.status) }
    }
}

/// What the doctor found.
private struct Diagnosis: Encodable {
    private let findings: [HostChecks.Finding]
    private let groups: [PCIGroup]

    init(_ settings: SettingsReader, root: String?) async throws {
        let uplink = settings.text("uplink")
        let directory = AgentConfiguration.stateDirectory(settings)
        let hugePages = settings.choice("huge_pages", default: HugePages.ordinary)
        let (policy, quirks, fabric) = (GPUPolicy(settings), GPUQuirks(settings), GPUFabric(settings))
        try settings.refuseMistakes()
        // A recorded host's guests are taken to run on KVM.
        let verdict = await VirtTypeProbe.run(root == nil ? .auto : .kvm)
        let checks = GPUChecks(
            root: root ?? "/",
            policy: policy,
            quirks: quirks,
            uplink: uplink,
            fabric: fabric,
            virtType: verdict.virtType
        )
        groups = try checks.groups()
        guard root == nil else {
            findings = try await checks.run()
            return
        }
        let virtType = HostChecks.Finding(
            subject: "guests",
            severity: .ok,
            text: "run by \(verdict.virtType.rawValue): \(verdict.reason)"
        )
        let host = HostChecks.run(stateDirectory: directory, uplink: uplink, hugePages: hugePages)
        findings = host + [virtType] + (try await checks.run())
    }

    var status: Int32 {
        if findings.contains(where: { $0.severity == .error }) { return 2 }
        return findings.contains { $0.severity == .warning } ? 1 : 0
    }

    var json: String {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            return String(decoding: try encoder.encode(self), as: UTF8.self)
        }
    }

    var text: String {
        let lines = findings.map { "\($0.severity.rawValue.uppercased().padding(8))\($0.subject): \($0.text)" }
        return (lines + groups.map { "\n\($0.tree)" }).joined(separator: "\n")
    }
}

extension String {
    fileprivate func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
