// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A Debian 12 guest with cloud-init (root)", .serialized)
struct DebianTests {
    /// A first boot takes a minute and a half where nothing else is emulated.
    private static let patience = Duration.seconds(900)

    /// A cloud-config and a script in one message, as cloud-init's own tools make it.
    private static let message = """
        Content-Type: multipart/mixed; boundary="==part=="
        MIME-Version: 1.0

        --==part==
        Content-Type: text/cloud-config; charset="us-ascii"

        #cloud-config
        write_files:
        - path: /from-config
          content: 'a"b$c<&>: #'
        --==part==
        Content-Type: text/x-shellscript; charset="us-ascii"

        #!/bin/sh
        printf '%s' 'made by "the script"' >/from-script
        --==part==--

        """

    @Test(
        "Two keys log in; hostname, sizes and gzipped user data are its own; its agent changes keys and holds files still",
        .timeLimit(.minutes(20))
    )
    func firstBoot() async throws {
        try await withTemporaryDirectory { store in
            let settings = ["GANTRY_IMAGE_STORE_DIRECTORY": store]
            try await SystemCloud.with(image: TestImage.debian(), conductorSettings: settings) { cloud in
                let agent = try cloud.startAgent()
                var request = cloud.request("Debian 12 (größer)", userData: try await Self.gzipped(Self.message))
                request.flavorName = CloudData.largerFlavor
                let machine = try await cloud.wait(for: cloud.create(request)[0], .active)
                try await cloud.login(
                    machine,
                    "cloud-init status --wait >/dev/null; test -e /from-script",
                    timeout: Self.patience
                )
                #expect(try await cloud.ssh(machine, key: 0, "hostname") == "debian-12-gr-er")
                #expect(try await cloud.ssh(machine, key: 1, "nproc") == "2")
                #expect(try await cloud.ssh(machine, "cat /from-config") == "a\"b$c<&>: #")
                #expect(try await cloud.ssh(machine, "cat /from-script") == "made by \"the script\"")
                #expect(try await cloud.ssh(machine, "cat /sys/block/vda/size") == "\(4 << 21)")
                // The root file system grew into the flavor's disk.
                let size = try #require(try await cloud.ssh(machine, "df --output=size -m / | tail -n 1"))
                #expect(try #require(Int(size)) > 3500)
                try await changeKeys(of: machine, in: cloud)
                // Its agent holds the file systems still, and lets them go on.
                let snapshot = try await cloud.takeSnapshot("frozen", of: machine, timeout: Self.patience)
                #expect(snapshot.isConsistent == true)
                #expect(try await cloud.ssh(machine, "touch ~/thawed && sync") != nil)
                try await cloud.api.deleteSnapshot(snapshot.id)
                try await cloud.remove(machine)
                try await Auditor.expectNothingLeft(of: cloud)
                #expect(try await agent.stop() == 0)
            }
        }
    }

    /// Its agent takes one of the two keys away, and gives it back.
    private func changeKeys(of machine: InstanceBody, in cloud: SystemCloud) async throws {
        let names = machine.keypairs.map(\.name)
        try await cloud.api.setKeys(of: machine.id, to: [names[1]])
        try await eventually("the guest has one key") {
            try await cloud.api.instance(machine.id)?.keypairs.map(\.name) == [names[1]]
        }
        #expect(try await cloud.ssh(machine, key: 1, "true") != nil)
        #expect(try await cloud.ssh(machine, key: 0, "true") == nil)
        try await cloud.api.setKeys(of: machine.id, to: names)
        try await eventually("it has both again") {
            try await cloud.api.instance(machine.id)?.keypairs.count == 2
        }
        #expect(try await cloud.ssh(machine, key: 0, "true") != nil)
    }

    private static func gzipped(_ text: String) async throws -> String {
        try await shell("sh", "-c", "gzip | base64 -w 0", input: text)
    }
}
