// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

struct VolumeCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a volume.")

    @Argument(help: "Its name.")
    var name: String

    @Option(help: "The environment's name.", completion: .environments)
    var environment: String

    @Option(help: "Its size in GiB.")
    var size: Int

    @Option(help: "Its type; needed where there are several.")
    var type: String?

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let volume = try await client.createVolume(
                CreateVolumeRequest(
                    name: name,
                    environmentName: environment,
                    volumeType: try await type(client),
                    size: size
                )
            )
            connection.output.print(volume) { "Volume \(volume.name) (\(volume.id)) is \(volume.status)." }
        }
    }

    private func type(_ client: APIClient) async throws(ClientError) -> String {
        if let type { return type }
        let types = try await client.volumeTypes()
        guard !types.isEmpty else {
            throw .refused(400, "bad_request", "No node of your cloud has storage for volumes; ask its operator.")
        }
        guard types.count == 1 else {
            throw .refused(400, "bad_request", "Say one with --type: \(types.joined(separator: ", ")).")
        }
        return types[0]
    }
}
