// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct FlavorList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List flavors, with whether there is room for one now.",
        discussion: "An operator's key shows how many machines have each instead."
    )

    @Option(help: "Only those of this region.", completion: .regions)
    var region: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            try await asTenant { () throws(ClientError) in
                let found = try await client.flavors(region: region)
                connection.output.print(found) { Self.table(found) }
            } orOperator: { () throws(ClientError) in
                let found = try await client.adminFlavors(region: region)
                connection.output.print(found) { Self.table(found) }
            }
        }
    }

    private static func table(_ found: [FlavorBody]) -> String {
        var table = Table("NAME", "REGION", "VCPU", "GIB", "DISK", "GPU", "ROOM")
        for each in found {
            table.add(
                each.name,
                each.regionName,
                "\(each.cpu)",
                each.ram.formatted(),
                "\(each.disk)",
                each.gpuCount == 0 ? "-" : "\(each.gpuCount) \(each.gpu)",
                each.stockAvailable ? "yes" : "no"
            )
        }
        return table.text
    }

    private static func table(_ found: [AdminFlavorBody]) -> String {
        var table = Table("ID", "NAME", "REGION", "VCPU", "MIB", "DISK", "GPU", "VMS")
        for each in found {
            table.add(
                "\(each.id)",
                each.name,
                each.region,
                "\(each.vcpus)",
                "\(each.memoryMiB)",
                "\(each.diskGiB)",
                each.gpuCount == 0 ? "-" : "\(each.gpuCount) \(each.gpuType)",
                "\(each.virtualMachineCount)"
            )
        }
        return table.text
    }
}
