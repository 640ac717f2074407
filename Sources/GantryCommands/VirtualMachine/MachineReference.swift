// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A machine as a person names it: by id or by name.
struct MachineReference: ParsableArguments {
    @Argument(help: "The machine's id or name.", completion: .machines)
    var machine: String

    func find(_ client: APIClient) async throws(ClientError) -> InstanceBody {
        try await client.instance(named: machine)
    }
}

extension APIClient {
    /// The machine that a person names. A name that is all digits is looked for when no machine has that id.
    func instance(named word: String) async throws(ClientError) -> InstanceBody {
        if let id = Int64(word), let instance = try await instance(id) { return instance }
        let named = try await instances(search: word).filter { $0.name == word }
        guard let instance = named.first else {
            throw .refused(404, "not_found", "There is no machine “\(word)”; gantry vm list shows yours.")
        }
        guard named.count == 1 else {
            let ids = named.map { "\($0.id) (\($0.environment.name))" }.joined(separator: ", ")
            throw .refused(409, "ambiguous", "Several machines are named “\(word)”; use one's id: \(ids).")
        }
        return instance
    }
}

extension ClientError {
    /// What this program refuses as the conductor would.
    static func refused(_ status: UInt, _ reason: String, _ message: String) -> ClientError {
        .refused(status: status, ErrorBody(message: message, errorReason: reason))
    }
}
