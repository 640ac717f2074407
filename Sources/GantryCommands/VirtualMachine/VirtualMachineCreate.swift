// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol

struct VirtualMachineCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make machines.")

    @Argument(help: "The name; without one a memorable name is made.")
    var name: String?

    @Option(help: "The environment's name.", completion: .environments)
    var environment: String

    @Option(help: "The image's name.", completion: .images)
    var image: String

    @Option(help: "The flavor's name.", completion: .flavors)
    var flavor: String

    @Option(name: .customLong("key"), help: "A public key's name. May be given several times.", completion: .keypairs)
    var keys: [String]

    @Option(name: .customLong("label"), help: "A label. May be given several times.")
    var labels: [String] = []

    @Option(help: "How many; they are called name-1, name-2 and so on.")
    var count = 1

    @Flag(help: "Give it a floating IP, and let SSH in.")
    var floatingIP = false

    @Option(help: "A file with cloud-init user data.", completion: .file())
    var userData: String?

    @OptionGroup var wait: Wait
    @OptionGroup var connection: Connection

    func run() async throws {
        let request = try request()
        try await connection.run { client throws(ClientError) in
            // One key for this command, so that a repetition after a broken connection makes nothing twice.
            var machines = try await client.createInstances(request, idempotencyKey: UUID().uuidString)
            machines = try await wait.follow(machines, until: "ACTIVE", client)
            connection.output.print(machines) { VirtualMachineList.table(machines) }
        }
    }

    private func request() throws -> CreateInstancesRequest {
        let rules = [SecurityRuleRequest(direction: "ingress", protocol: "tcp", portRangeMin: 22, portRangeMax: 22)]
        return CreateInstancesRequest(
            name: name,
            environmentName: environment,
            imageName: image,
            flavorName: flavor,
            keyNames: keys,
            count: count,
            labels: labels,
            assignFloatingIP: floatingIP,
            userData: try userData.map { try Self.text(ofFile: $0) },
            securityRules: floatingIP ? rules : nil
        )
    }

    /// Bytes that are no text, such as gzip, travel in base64.
    private static func text(ofFile path: String) throws -> String {
        let data = try Data(contentsOf: URL(filePath: path))
        return String(data: data, encoding: .utf8) ?? data.base64EncodedString()
    }
}
