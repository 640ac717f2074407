// SPDX-License-Identifier: Apache-2.0

import Agent
import ArgumentParser

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what this host lacks for running virtual machines. The exit status is 1 when it cannot."
    )

    @Option(help: "Where machines and images are kept.")
    var stateDirectory = "/var/lib/gantry"

    @Option(help: "The network device on which floating IPs are announced.")
    var uplink: String?

    func run() async throws {
        let findings = HostChecks.run(stateDirectory: stateDirectory, uplink: uplink)
        for finding in findings {
            print("\(finding.severity.rawValue.uppercased().padding(8))\(finding.subject): \(finding.text)")
        }
        let verdict = await VirtTypeProbe.run(.auto)
        print("\("VIRT".padding(8))\(verdict.virtType.rawValue): \(verdict.reason)")
        if findings.contains(where: { $0.severity == .error }) { throw ExitCode(1) }
    }
}

extension String {
    fileprivate func padding(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
}
