// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import AsyncHTTPClient
import Foundation
import GantryClient

/// Where the conductor is, and as whom to call it.
struct Connection: ParsableArguments {
    @Option(help: "The conductor's address; without it $GANTRY_URL.")
    var url: String?

    @Flag(help: "Print JSON rather than text.")
    var json = false

    /// Lends a client, and turns its errors into the exit statuses that the help names.
    func run(_ body: (APIClient) async throws(ClientError) -> Void) async throws {
        let environment = ProcessInfo.processInfo.environment
        guard let url = url ?? environment["GANTRY_URL"], let key = environment["GANTRY_API_KEY"] else {
            throw ValidationError(
                """
                Gantry does not know your cloud yet. Set two variables, as your operator told you:
                    export GANTRY_URL=https://conductor.example:8443
                    export GANTRY_API_KEY=…
                On a machine where `make demo` ran: . .gantry/demo.env
                """
            )
        }
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        let result: Result<Void, ClientError>
        do {
            result = .success(try await body(APIClient(http: http, url: url, key: key)))
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        guard case .failure(let error) = result else { return }
        FileHandle.standardError.write(Data("gantry: \(error)\n".utf8))
        throw ExitCode(error.status == nil ? 2 : 1)
    }
}
