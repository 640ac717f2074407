// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryTestSupport
import Testing

@Suite("The vendor's Python SDK is the judge of the API (root)", .serialized)
struct SDKTests {
    @Test("Each of its operations is served and documented")
    func lists() async throws {
        try await withTemporaryDirectory { folder in
            let description = folder + "/openapi.json"
            try OpenAPIDocument.json().write(to: URL(filePath: description))
            let compatibility = Repository.path("docs/compatibility.md")
            let disagreements = try await Judges.run("check_lists.py", description, compatibility)
            #expect(disagreements.isEmpty)
        }
    }

    @Test("What it is told to do happens, in the guest and on the host, and nothing is left of it")
    func drive() async throws {
        try await withTemporaryDirectory { store in
            let conductor = ["GANTRY_CALLBACKS_ALLOW_PRIVATE": "true", "GANTRY_IMAGE_STORE_DIRECTORY": store]
            try await SystemCloud.with(conductorSettings: conductor) { cloud in
                let agent = try cloud.startAgent(0, ["GANTRY_METRICS_INTERVAL": "1"])
                let settings = cloud.folder + "/sdk.json"
                let encoder = JSONEncoder()
                encoder.keyEncodingStrategy = .convertToSnakeCase
                try encoder.encode(Settings(cloud)).write(to: URL(filePath: settings))
                print(try await Judges.run("drive.py", settings), terminator: "")
                try await Auditor.expectNothingLeft(of: cloud)
                #expect(try await agent.stop() == 0)
            }
        }
    }

    @Test("Whatever fits the API's description, and what does not, is answered as described, with and without a key")
    func description() async throws {
        try await SystemCloud.with(hosts: 0) { cloud in
            let conductor = cloud.conductors[0]
            let operatorsKey = try await conductor.command("operator", "create", "olga")
            _ = try await Judges.run("try_description.py", conductor.url, TestData.apiKey, operatorsKey)
        }
    }

    /// What `drive.py` asks for.
    private struct Settings: Encodable {
        let url: String
        let key = TestData.apiKey
        let region = "TestRegion"
        let flavor = CloudData.flavor
        let largerFlavor = CloudData.largerFlavor
        let image = "TestImage"
        let user: String
        let folder: String
        let outside: [String]
        let host: [String]

        init(_ cloud: SystemCloud) {
            url = cloud.conductors[0].url
            user = cloud.image.user
            folder = cloud.folder
            outside = ["ip", "netns", "exec", cloud.outside]
            host = cloud.hosts[0].entry
        }
    }
}
