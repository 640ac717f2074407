// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryProtocol

extension Wait {
    /// Follows machines until all have a status.
    ///
    /// - Throws: ``ClientError`` with the reason when one of them fails or goes away.
    func follow(
        _ machines: [InstanceBody],
        until status: String,
        _ client: APIClient
    ) async throws(ClientError) -> [InstanceBody] {
        var done: [InstanceBody] = []
        for machine in machines { done.append(try await follow(machine, client) { $0.status == status }) }
        return done
    }

    /// Follows a machine until it is as it shall be.
    ///
    /// - Throws: ``ClientError`` with the reason when it fails or goes away.
    func follow(
        _ machine: InstanceBody,
        _ client: APIClient,
        until isDone: (InstanceBody) -> Bool
    ) async throws(ClientError) -> InstanceBody {
        guard wait else { return machine }
        let last = try await see(machine, client) { current throws(ClientError) in
            if isDone(current) { return true }
            guard current.status != "ERROR" else {
                let reason = current.fault?.message ?? "no reason is known"
                throw .refused(409, "failed", "\(current.name) failed: \(reason)")
            }
            return false
        }
        guard let last else { throw .refused(409, "failed", "\(machine.name) was deleted.") }
        return last
    }

    /// Follows a machine until it is gone.
    func followToItsEnd(_ machine: InstanceBody, _ client: APIClient) async throws(ClientError) {
        guard wait else { return }
        _ = try await see(machine, client) { _ throws(ClientError) in false }
    }

    private func see(
        _ machine: InstanceBody,
        _ client: APIClient,
        until isDone: (InstanceBody) throws(ClientError) -> Bool
    ) async throws(ClientError) -> InstanceBody? {
        let read = { () async throws(ClientError) in try await client.instance(machine.id) }
        return try await follow(machine.name, read, text: \.words, until: isDone)
    }
}

extension InstanceBody {
    /// Its status, and what its node is doing.
    fileprivate var words: String {
        let work = progress.map { " \($0.step)\($0.percent.map { " \($0)%" } ?? "")" } ?? ""
        return status + work
    }
}

extension Connection {
    /// Asks for a change of a machine's power, and waits for it where that is wanted.
    func perform(
        _ operation: InstanceOperation,
        on reference: MachineReference,
        until status: String,
        _ wait: Wait
    ) async throws {
        try await run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.perform(operation, on: machine.id)
            let last = try await wait.follow(machine, client) { $0.status == status }
            output.print(last) { wait.wait ? "\(last.name) is \(last.status)." : answer.message }
        }
    }
}
