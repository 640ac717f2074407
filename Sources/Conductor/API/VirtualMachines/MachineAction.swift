// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// An operation of the API on machines, written once for one machine. ``MachineActionRoutes`` gives it a path by id, by
/// name and by label.
struct MachineAction: Sendable {
    /// Does it to one machine.
    typealias Work = @Sendable (VirtualMachineID) async throws -> MachineOutcome

    let method: HTTPRequest.Method
    /// Below the machine's own path, such as `start`; empty for that path itself.
    let path: String
    /// Reads the request, once however many machines there are.
    let prepare: @Sendable (Request, TenantContext) async throws -> Work
    /// Answers for all machines with a label, where that is no list of results.
    let gather: (@Sendable ([VirtualMachineID], TenantContext) async throws -> Response)?

    init(
        _ method: HTTPRequest.Method,
        _ path: String = "",
        gather: (@Sendable ([VirtualMachineID], TenantContext) async throws -> Response)? = nil,
        prepare: @escaping @Sendable (Request, TenantContext) async throws -> Work
    ) {
        (self.method, self.path, self.gather, self.prepare) = (method, path, gather, prepare)
    }
}

/// What became of an operation on one machine.
struct MachineOutcome: Sendable {
    /// A sentence, as it stands among the results of several machines.
    let message: String
    /// What a call for this machine alone is answered.
    let answer: any Encodable & Sendable
    /// The status of that answer.
    let status: HTTPResponse.Status

    init(_ message: String, answer: (any Encodable & Sendable)? = nil, status: HTTPResponse.Status = .ok) {
        (self.message, self.answer, self.status) = (message, answer ?? StatusBody(message: message), status)
    }

    var response: Response {
        get throws { try .json(answer, status: status) }
    }
}
