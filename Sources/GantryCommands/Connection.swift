// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import GantryClient
import NIOSSL

/// Which cloud a command is for, and how its answer is printed.
struct Connection: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help: "The cloud's name, as `gantry context list` shows it.",
        completion: .contexts
    )
    var context: String?

    @Option(help: "The conductor's address, with the key of $GANTRY_API_KEY.")
    var url: String?

    @Option(name: .shortAndLong, help: "How the answer is printed: table, json or yaml.")
    var output = OutputFormat.table

    /// Lends a client, and turns its errors into the exit statuses that the help names.
    func run(_ body: (APIClient) async throws(ClientError) -> Void) async throws {
        let result = try await lend(body)
        guard case .failure(let error) = result else { return }
        output.complain(error)
        throw ExitStatus.of(error)
    }

    /// Lends a client, and returns what came of it.
    func lend<Value>(
        _ body: (APIClient) async throws(ClientError) -> Value
    ) async throws -> Result<Value, ClientError> {
        let cloud = try cloud().context
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: try Self.configuration(cloud))
        let result: Result<Value, ClientError>
        do {
            result = .success(try await body(APIClient(http: http, url: cloud.url, key: cloud.apiKey)))
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        return result
    }

    /// What is said with the command goes before the environment, and that before the context in use.
    ///
    /// - Returns: The context, and its name; the address where it has none.
    func cloud() throws -> (name: String, context: ContextFile.Context) {
        let environment = ProcessInfo.processInfo.environment
        if let context { return (context, try ContextFile.standard.context(context)) }
        let key = environment["GANTRY_API_KEY"]
        if let url = url ?? environment["GANTRY_URL"], let key { return (url, .init(url: url, apiKey: key)) }
        if let url {
            throw ValidationError("Set GANTRY_API_KEY to your key at \(url), or name a context rather than an address.")
        }
        guard let used = try ContextFile.standard.read().current else {
            throw ValidationError(
                """
                Gantry does not know your cloud yet. Tell it once, with the key that your operator gave you:
                    gantry context add NAME --url https://conductor.example:8443
                or for this shell alone:
                    export GANTRY_URL=https://conductor.example:8443 GANTRY_API_KEY=…
                On a machine where `make demo` ran: . .gantry/demo.env
                """
            )
        }
        return (used, try ContextFile.standard.context(used))
    }

    /// With the cloud's own certificate authorities: those of $GANTRY_TLS_AUTHORITIES, else the context's.
    private static func configuration(_ cloud: ContextFile.Context) throws -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        // A wrong address or certificate is said at once, rather than after ten seconds of trying.
        configuration.connectionPool.retryConnectionEstablishment = false
        let authorities = try ProcessInfo.processInfo.environment["GANTRY_TLS_AUTHORITIES"]
            .map { try Authorities.read($0, "GANTRY_TLS_AUTHORITIES") }
        guard let authorities = authorities ?? cloud.authorities else { return configuration }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try Authorities.certificates(authorities))
        configuration.tlsConfiguration = tls
        return configuration
    }
}
