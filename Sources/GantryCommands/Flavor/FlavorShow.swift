// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct FlavorShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "For operators: show a flavor.")

    @OptionGroup var reference: FlavorReference
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let found = try await reference.find(client)
            connection.output.print(found) { Self.text(of: found) }
        }
    }

    private static func text(of found: AdminFlavorBody) -> String {
        var details = Details("\(found.name) (\(found.id))")
        details.add("region", found.region)
        details.add("size", "\(found.vcpus) vCPU, \(found.memoryMiB) MiB, \(found.diskGiB) GiB disk")
        details.add("GPUs", found.gpuCount == 0 ? nil : "\(found.gpuCount) \(found.gpuType)")
        details.add("when stopped", found.stopPolicy)
        details.add("machines", "\(found.virtualMachineCount)")
        details.add("since", found.createdAt.words)
        return details.text
    }
}
