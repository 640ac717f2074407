// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Conductor
import GantryModel

struct SeedTestData: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fill in TestEnv, TestImage, TestFlavor, TestKey and the key test_token, for trying things out.",
        discussion: "A conductor that other machines can reach refuses test_token. Running this again is fine."
    )

    @Option(help: "Where agents fetch the image: file://…, http://… or https://….")
    var imageURL: String

    @Option(help: "The image's SHA-256, in hexadecimal.")
    var imageSHA256: String

    @Option(help: "qcow2 or raw.")
    var imageFormat: String = "qcow2"

    @Option(help: "The public half of the SSH key that TestKey becomes.")
    var publicKey: String

    @Option(help: "The network whose addresses become floating IPs, such as 203.0.113.128/26.")
    var floatingIPPool: String

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let data = try TestData(
            imageURL: imageURL,
            imageSHA256: SHA256Digest(imageSHA256),
            imageFormat: imageFormat,
            publicKey: SSHPublicKey(publicKey),
            floatingIPPool: Subnet(floatingIPPool)
        )
        try await options.withParts { try await data.write(to: $0.database) }
        print("TestEnv, TestImage, TestFlavor and TestKey are there; the API key is test_token.")
    }
}
