// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `…/logs`: what a guest wrote to its serial console, in two steps, since its node has to be asked.
struct SerialLogActions: Sendable {
    let lifecycle: MachineLifecycle
    let jobs: MachineJobStore

    private static let lines = 1...10_000
    private static let usualLines = 100

    var actions: [MachineAction] {
        [
            MachineAction(.post, "logs", prepare: ask),
            MachineAction(.get, "logs", prepare: fetch),
        ]
    }

    private func ask(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let lines = try await request.json(SerialLogRequest.self).length ?? Self.usualLines
        guard Self.lines.contains(lines) else {
            throw APIError.invalid("length", "\(lines) lines; 1 to \(Self.lines.upperBound) can be had.")
        }
        return { id in
            let tenant = context.tenant
            let (name, job) = try await lifecycle.requestSerialLog(
                lines: lines,
                of: id,
                in: tenant.organization,
                by: tenant.user
            )
            let message = "VM \(name) console logs requested successfully"
            // Among several machines' results there is no other place for the number.
            return MachineOutcome(
                "\(message); request_id \(job)",
                answer: SerialLogRequestedAnswer(message: message, requestID: job.rawValue)
            )
        }
    }

    private func fetch(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        guard let number = request.text("request_id").flatMap({ Int64($0) }) else {
            throw APIError.invalid("request_id", "give the number that POST …/logs answered.")
        }
        return { id in
            let job = try await jobs.job(
                MachineJobID(number),
                kind: "serial_log",
                of: id,
                in: context.tenant.organization
            )
            guard let job else {
                throw APIError(.notFound, "VM \(id) has no request \(number) for its log; they are kept for a day.")
            }
            let answer = try Self.answer(job, number)
            return MachineOutcome(answer.message, answer: answer)
        }
    }

    private static func answer(_ job: MachineJobRecord, _ number: Int64) throws -> SerialLogAnswer {
        switch job.state {
        case .pending: return SerialLogAnswer(message: "Request \(number) is still processing", logs: nil)
        case .done: return SerialLogAnswer(message: "Getting VM console logs successful", logs: job.result ?? "")
        case .failed:
            let reason = job.fault?.message ?? ""
            throw APIError(.badRequest, "Request \(number) failed: \(reason) Ask for the log again.")
        }
    }
}
