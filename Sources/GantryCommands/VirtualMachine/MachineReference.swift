// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// A machine as a person names it: by id or by name.
struct MachineReference: ParsableArguments {
    @Argument(help: "The machine's id or name.")
    var machine: String

    /// Finds the machine. A name that is all digits is looked for when no machine has that id.
    func find(_ client: APIClient) async throws(ClientError) -> InstanceBody {
        if let id = Int64(machine), let instance = try await client.instance(id) { return instance }
        let named = try await client.instances(search: machine).filter { $0.name == machine }
        guard let instance = named.first else { throw Self.refusal(404, "There is no machine “\(machine)”.") }
        guard named.count == 1 else {
            let ids = named.map { "\($0.id) (\($0.environment.name))" }.joined(separator: ", ")
            throw Self.refusal(409, "Several machines are named “\(machine)”; use one's id: \(ids).")
        }
        return instance
    }

    private static func refusal(_ status: UInt, _ message: String) -> ClientError {
        .refused(status: status, ErrorBody(message: message, errorReason: status == 404 ? "not_found" : "ambiguous"))
    }
}
