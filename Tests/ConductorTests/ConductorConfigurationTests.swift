// SPDX-License-Identifier: Apache-2.0

import Conductor
import Configuration
import GantryModel
import GantryTestSupport
import Testing

@Suite("A conductor's settings about who can read what goes over the network")
struct ConductorConfigurationTests {
    private func read(_ more: [String: String]) throws -> ConductorConfiguration {
        let needed = [
            "GANTRY_DATABASE_URL": "postgresql://db.example/gantry", "GANTRY_AMQP_URL": "amqps://u:p@broker.example/",
            "GANTRY_RABBITMQ_MANAGEMENT_URL": "https://u:p@broker.example:15671",
        ]
        let variables = needed.merging(more) { $1 }
        let provider = EnvironmentVariablesProvider(environmentVariables: variables).prefixKeys(with: "gantry")
        return try ConductorConfiguration(ConfigReader(provider: provider))
    }

    @Test("Plain HTTP is for loopback, and beyond it only where the operator insists")
    func plain() throws {
        #expect(try read([:]).listenTLS == nil)
        let refusal = #expect(throws: InvalidValue.self) { try read(["GANTRY_LISTEN_ADDRESS": "0.0.0.0"]) }
        #expect(refusal?.description.contains("set listen.allow_plain") == true)
        let insisting = try read(["GANTRY_LISTEN_ADDRESS": "0.0.0.0", "GANTRY_LISTEN_ALLOW_PLAIN": "true"])
        #expect(insisting.listenTLS == nil && !insisting.isLoopbackOnly)
        let files = ["GANTRY_LISTEN_CERTIFICATE": "/c.pem", "GANTRY_LISTEN_KEY": "/k.pem"]
        let encrypted = try read(files.merging(["GANTRY_LISTEN_ADDRESS": "::"]) { $1 })
        #expect(encrypted.listenTLS?.certificate == "/c.pem")
        #expect(throws: InvalidValue.self) { try read(["GANTRY_LISTEN_CERTIFICATE": "/c.pem"]) }
    }

    @Test("Authorities are a file with certificates")
    func authorities() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            #expect(try read(["GANTRY_TLS_AUTHORITIES": authority.path]).authorities?.path == authority.path)
            for path in ["/nowhere.pem", folder + "/authority.key", "authority.pem"] {
                #expect(throws: InvalidValue.self) { try read(["GANTRY_TLS_AUTHORITIES": path]) }
            }
        }
    }
}
