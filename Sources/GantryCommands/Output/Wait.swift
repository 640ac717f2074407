// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryProtocol

/// Whether a command returns at once or when its work is done.
struct MachineWait: ParsableArguments {
    @Flag(help: "Wait until it is done, and tell how it goes on.")
    var wait = false

    private static let interval = Duration.milliseconds(500)

    /// Follows machines until all have a status.
    ///
    /// - Throws: ``ClientError`` with the reason when one of them fails or goes away.
    func follow(
        _ machines: [InstanceBody],
        until status: String,
        _ client: APIClient
    ) async throws(ClientError) -> [InstanceBody] {
        guard wait else { return machines }
        var done: [InstanceBody] = []
        for machine in machines {
            guard let last = try await follow(machine, until: status, client) else {
                throw .refused(409, "failed", "\(machine.name) was deleted.")
            }
            done.append(last)
        }
        return done
    }

    /// Follows a machine until it has a status; until it is gone for nil.
    ///
    /// - Returns: The machine as it is then; nil when it is gone.
    /// - Throws: ``ClientError`` with the reason when it fails.
    @discardableResult
    func follow(
        _ machine: InstanceBody,
        until status: String?,
        _ client: APIClient
    ) async throws(ClientError) -> InstanceBody? {
        guard wait else { return machine }
        var line = ProgressLine()
        defer { line.end() }
        while let current = try await client.instance(machine.id) {
            line.show(Self.text(of: current))
            if current.status == status { return current }
            if current.status == "ERROR" && status != nil {
                let reason = current.fault?.message ?? "no reason is known"
                throw .refused(409, "failed", "\(current.name) failed: \(reason)")
            }
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                throw .transport("interrupted")
            }
        }
        line.show("\(machine.name): gone")
        return nil
    }

    private static func text(of machine: InstanceBody) -> String {
        let progress = machine.progress.map { " \($0.step)\($0.percent.map { " \($0)%" } ?? "")" } ?? ""
        return "\(machine.name): \(machine.status)\(progress)"
    }
}

extension Connection {
    /// Asks for a change of a machine's power, and waits for it where that is wanted.
    func perform(
        _ operation: InstanceOperation,
        on reference: MachineReference,
        until status: String,
        _ wait: MachineWait
    ) async throws {
        try await run { client throws(ClientError) in
            let machine = try await reference.find(client)
            let answer = try await client.perform(operation, on: machine.id)
            guard let last = try await wait.follow(machine, until: status, client) else {
                throw .refused(409, "failed", "\(machine.name) was deleted.")
            }
            output.print(last) { wait.wait ? "\(last.name) is \(last.status)." : answer.message }
        }
    }
}
