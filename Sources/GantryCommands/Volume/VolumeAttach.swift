// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeAttach: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "attach", abstract: "Give a volume to a machine.")

    @OptionGroup var reference: VolumeReference
    @OptionGroup var machine: MachineReference
    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await reference.find(client)
            let machine = try await machine.find(client)
            let attachments = try await client.attachVolumes([volume.id], to: machine.id)
            let done = try await wait.follow(volume, client) { $0.attachments.first?.status == "ATTACHED" }
            connection.output.print(attachments) {
                "Volume \(volume.name) \(done ? "is at" : "goes to") \(machine.name)."
            }
        }
    }
}
