// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VirtualMachineList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List your machines.")

    @Option(help: "Only those with this in their name, or with this label.")
    var search: String?

    @Option(help: "Only those of environments with this in their name.")
    var environment: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let machines = try await client.instances(search: search, environment: environment)
            connection.output.print(machines) { Self.table(machines) }
        }
    }

    static func table(_ machines: [InstanceBody]) -> String {
        var table = Table("ID", "NAME", "STATUS", "ENVIRONMENT", "FLAVOR", "FLOATING IP")
        for machine in machines {
            table.add(
                "\(machine.id)",
                machine.name,
                machine.status,
                machine.environment.name,
                machine.flavor.name,
                machine.floatingIP ?? "-"
            )
        }
        return table.text
    }
}
