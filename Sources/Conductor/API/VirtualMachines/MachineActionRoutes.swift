// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// Gives each operation on machines its paths: `{id}/start`, `{environment}/{name}/start` and
/// `{environment}/{label}/start`.
///
/// The router cannot tell them apart, so one rule does: a first segment of digits alone is a machine's id, anything else
/// an environment's name, which is never a number (see ``EnvironmentName``).
struct MachineActionRoutes: Sendable {
    let store: VirtualMachineStore
    let actions: [MachineAction]

    /// So many machines may one call touch.
    static let maximumMachines = 100

    func add(to machines: RouterGroup<TenantContext>) {
        for action in actions {
            let below = action.path.isEmpty ? "" : "/\(action.path)"
            machines.on("\(Self.first)\(below)", method: action.method) { request, context in
                try await answerByID(action, request, context)
            }
            // The router wants one name for all that can stand first.
            machines.on("\(Self.first)/:name\(below)", method: action.method) { request, context in
                try await answerByName(action, context.segment("name"), request, context)
            }
        }
    }

    private static let first = ":id"

    private func answerByID(
        _ action: MachineAction,
        _ request: Request,
        _ context: TenantContext
    ) async throws -> Response {
        guard context.hasIdentifier else {
            let called = action.path.isEmpty ? "" : " A machine called “\(action.path)” is reached by its id."
            throw APIError(
                .notFound,
                "“\(context.segment("id"))” is not the id of a virtual machine; use its number, or ENVIRONMENT/NAME."
                    + called
            )
        }
        let work = try await action.prepare(request, context)
        return try await work(context.identifier("virtual machine")).response
    }

    private func answerByName(
        _ action: MachineAction,
        _ text: String,
        _ request: Request,
        _ context: TenantContext
    ) async throws -> Response {
        guard !context.hasIdentifier else {
            throw APIError(
                .notFound,
                "“\(context.segment("id"))” is the id of a machine, for which there is no “\(text)”; see /openapi.json "
                    + "for what there is."
            )
        }
        switch try await target(text, by: Self.choice(request), in: context) {
        case .one(let machine):
            let work = try await action.prepare(request, context)
            return try await work(machine.id).response
        case .all(let machines):
            if let gather = action.gather { return try await gather(machines.map(\.id), context) }
            let work = try await action.prepare(request, context)
            return try await Self.results(of: work, on: machines)
        }
    }

    /// Goes on after a refusal: each machine is a transaction of its own.
    private static func results(
        of work: MachineAction.Work,
        on machines: [NamedMachines.Machine]
    ) async throws -> Response {
        var (results, refusals): ([MachineResultBody], [APIError]) = ([], [])
        for machine in machines {
            do {
                let outcome = try await work(machine.id)
                results.append(MachineResultBody(id: machine.id.rawValue, name: machine.name, message: outcome.message))
            } catch {
                guard let refusal = APIError(error) else { throw error }
                refusals.append(refusal)
                results.append(
                    MachineResultBody(
                        id: machine.id.rawValue,
                        name: machine.name,
                        message: refusal.message,
                        errorReason: refusal.reason
                    )
                )
            }
        }
        if refusals.count == machines.count, let first = refusals.first { throw nothingDone(refusals, first) }
        // Not 207: the vendor's clients read a body with status 200 only, and would lose the results.
        let done = "\(results.count - refusals.count) of \(results.count) VMs"
        return try .json(MachineResultsAnswer(message: "It was done to \(done).", results: results))
    }

    /// A script that looks at the status alone has to see that nothing was done.
    private static func nothingDone(_ refusals: [APIError], _ first: APIError) -> APIError {
        let isOne = refusals.allSatisfy { $0.status == first.status }
        let rest = refusals.count > 1 ? " And \(refusals.count - 1) more VMs with the label." : ""
        return APIError(
            isOne ? first.status : .conflict,
            "Nothing was done. \(first.message)\(rest)",
            reason: isOne ? first.reason : "nothing_done"
        )
    }

    // MARK: - Names

    private enum Choice: String, CaseIterable {
        case name
        case label
    }

    private enum Target {
        case one(NamedMachines.Machine)
        case all([NamedMachines.Machine])
    }

    private static func choice(_ request: Request) throws -> Choice? {
        guard let text = request.text("by") else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw APIError.invalid("by", "“\(text)” is neither name nor label.")
        }
        return choice
    }

    private func target(_ text: String, by choice: Choice?, in context: TenantContext) async throws -> Target {
        let environment = context.segment("id")
        let machines = try await store.machines(
            called: text,
            inEnvironment: environment,
            of: context.tenant.organization,
            limit: Self.maximumMachines + 1
        )
        guard let machines else { throw APIError(.notFound, "There is no environment “\(environment)”.") }
        if choice == nil, machines.named != nil, !machines.labelled.isEmpty {
            throw APIError(
                .conflict,
                "“\(text)” is the name of a VM and a label in environment “\(environment)”; add ?by=name or ?by=label.",
                reason: "ambiguous"
            )
        }
        if choice != .label, let machine = machines.named { return .one(machine) }
        guard choice != .name, !machines.labelled.isEmpty else {
            let what = choice.map { "with the \($0) “\(text)”" } ?? "with the name or label “\(text)”"
            throw APIError(.notFound, "There is no VM \(what) in environment “\(environment)”.")
        }
        guard machines.labelled.count <= Self.maximumMachines else {
            throw APIError(
                .badRequest,
                "More than \(Self.maximumMachines) VMs have the label “\(text)”, and one call may touch no more; give "
                    + "them labels that fewer have."
            )
        }
        return .all(machines.labelled)
    }
}

extension TenantContext {
    /// Whether the path's first segment is an id, not an environment's name.
    fileprivate var hasIdentifier: Bool {
        let text = parameters.get("id") ?? ""
        return !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
