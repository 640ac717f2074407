// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct VirtualMachineShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a machine with its history."
    )

    @OptionGroup var reference: MachineReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let events = try await client.instanceEvents(machine.id)
            connection.output.print(machine) {
                ([Self.text(of: machine)] + events.map(Self.text)).joined(separator: "\n")
            }
        }
    }

    private static func text(of machine: InstanceBody) -> String {
        var lines = [
            "\(machine.name) (\(machine.id)): \(machine.status)",
            "  flavor       \(machine.flavor.name): \(machine.flavor.cpu) vCPU, \(machine.flavor.ram) GiB, "
                + "\(machine.flavor.disk) GiB disk",
            "  image        \(machine.image.name)",
            "  environment  \(machine.environment.name) in \(machine.environment.region)",
            "  addresses    \(machine.fixedIP ?? "-"), floating \(machine.floatingIP ?? "-")",
            "  UUID         \(machine.uuid)",
            "  keys         \(machine.keypairs.map(\.name).joined(separator: ", "))",
        ]
        if !machine.labels.isEmpty { lines.append("  labels       \(machine.labels.joined(separator: ", "))") }
        if let fault = machine.fault { lines.append("  fault        \(fault.code): \(fault.message)") }
        if let reason = machine.degradedReason { lines.append("  degraded     \(reason)") }
        if let progress = machine.progress {
            lines.append("  working on   \(progress.step)\(progress.percent.map { " \($0)%" } ?? "")")
        }
        return lines.joined(separator: "\n")
    }

    private static func text(of event: InstanceEventBody) -> String {
        "  \(event.time.date.formatted(.iso8601))  \(event.message)"
    }
}
