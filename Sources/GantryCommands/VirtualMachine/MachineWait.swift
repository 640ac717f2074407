// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryProtocol

/// Follows machines until they are what was asked for, telling of each change on standard error.
struct MachineWait {
    let client: APIClient

    private static let interval = Duration.milliseconds(500)

    /// - Throws: ``ClientError`` with the reason when one of them fails or goes away.
    func untilActive(_ machines: [InstanceBody]) async throws(ClientError) -> [InstanceBody] {
        var ready: [InstanceBody] = []
        for machine in machines { ready.append(try await untilActive(machine)) }
        return ready
    }

    private func untilActive(_ machine: InstanceBody) async throws(ClientError) -> InstanceBody {
        var last = ""
        while true {
            guard let current = try await client.instance(machine.id) else {
                throw Self.failure("\(machine.name) was deleted.")
            }
            let progress = current.progress.map { " \($0.step)\($0.percent.map { " \($0)%" } ?? "")" } ?? ""
            let line = "\(current.name): \(current.status)\(progress)"
            if line != last { FileHandle.standardError.write(Data("\(line)\n".utf8)) }
            last = line
            if current.status == "ACTIVE" { return current }
            if current.status == "ERROR" {
                throw Self.failure("\(current.name) failed: \(current.fault?.message ?? "no reason is known")")
            }
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                throw .transport("interrupted")
            }
        }
    }

    private static func failure(_ message: String) -> ClientError {
        .refused(status: 409, ErrorBody(message: message, errorReason: "failed"))
    }
}
