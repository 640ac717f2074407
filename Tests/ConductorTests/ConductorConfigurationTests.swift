// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryTestSupport
import Settings
import Testing

@Suite("A conductor's settings about who can read what goes over the network")
struct ConductorConfigurationTests {
    private func read(_ more: [String: String]) throws -> ConductorConfiguration {
        let needed = [
            "GANTRY_DATABASE_URL": "postgresql://db.example/gantry", "GANTRY_AMQP_URL": "amqps://u:p@broker.example/",
            "GANTRY_RABBITMQ_MANAGEMENT_URL": "https://u:p@broker.example:15671",
        ]
        let variables = needed.merging(more) { $1 }
        return try ConductorConfiguration(SettingsReader(SettingsSources(file: nil, environment: variables)))
    }

    @Test("Plain HTTP is for loopback, and beyond it only where the operator insists")
    func plain() throws {
        #expect(try read([:]).listenTLS == nil)
        let refusal = #expect(throws: InvalidValue.self) { try read(["GANTRY_LISTEN_ADDRESS": "0.0.0.0"]) }
        #expect(refusal?.description.contains("set listen.allow_plain") == true)
        let insisting = try read(["GANTRY_LISTEN_ADDRESS": "0.0.0.0", "GANTRY_LISTEN_ALLOW_PLAIN": "true"])
        #expect(insisting.listenTLS == nil && !insisting.isLoopbackOnly)
    }

    @Test("A certificate and its key are read with the settings, and belong together")
    func certificate() async throws {
        try await withTemporaryDirectory { folder in
            let authority = try await TestAuthority(in: folder)
            let (mine, other) = (try await authority.certificate(), try await authority.certificate("other"))
            func read(_ certificate: String?, _ key: String?) throws -> ConductorConfiguration {
                var variables = ["GANTRY_LISTEN_ADDRESS": "::"]
                (variables["GANTRY_LISTEN_CERTIFICATE"], variables["GANTRY_LISTEN_KEY"]) = (certificate, key)
                return try self.read(variables)
            }
            #expect(try read(mine.certificate, mine.key).listenTLS != nil)
            let wrong = [
                (mine.certificate, nil), (mine.certificate, ""), (mine.certificate, other.key), (mine.key, mine.key),
                (mine.certificate, mine.certificate), ("/nowhere.pem", mine.key), ("server.pem", mine.key),
            ]
            for (certificate, key) in wrong {
                let error = try #require(throws: InvalidValue.self) { try read(certificate, key) }
                // One mistake, and not what follows from it besides.
                #expect("\(error)".hasPrefix("listen.") && !"\(error)".contains("\n"), "\(error)")
            }
        }
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
