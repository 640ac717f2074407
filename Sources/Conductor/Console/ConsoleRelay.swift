// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// Where a tenant's browser and the agent of a machine's node meet.
///
/// The browser comes first, with a token that opens once. The node is then asked, by a job, to dial this conductor, which
/// alone knows the browser; other conductors need not.
package actor ConsoleRelay {
    private let store: ConsoleStore
    private let lifecycle: MachineLifecycle
    /// This conductor's own address for agents; nil where they need no other than they have.
    private let ownURL: String?
    private var waiting: [MachineJobID: ConsolePipe] = [:]

    package init(store: ConsoleStore, lifecycle: MachineLifecycle, ownURL: String?) {
        (self.store, self.lifecycle, self.ownURL) = (store, lifecycle, ownURL)
    }

    /// A browser that came in.
    struct Visit: Sendable {
        let job: MachineJobID
        let end: ConsolePipe.End
    }

    /// Lets a browser in.
    ///
    /// - Returns: its end of the pipe; nil when the token opens nothing, or not any more.
    func enter(with token: String) async throws -> Visit? {
        guard let console = try await store.use(token) else { return nil }
        let job = try await lifecycle.requestConsole(of: console.machine, in: console.organization, conductor: ownURL)
        let pipe = ConsolePipe()
        waiting[job] = pipe
        return Visit(job: job, end: pipe.browser)
    }

    /// The browser has left.
    func leave(_ visit: Visit) {
        visit.end.finish()
        waiting[visit.job] = nil
    }

    /// Lets the agent in that a browser waits for.
    ///
    /// - Throws: ``NodeRefusal`` with `notFound` when none does here, or it waits for another node.
    func accept(_ job: MachineJobID, from node: NodeID) async throws -> ConsolePipe.End {
        guard try await store.isAsked(job, of: node) else { throw Self.nobody(job) }
        // The agent may be faster than the transaction's answer.
        for _ in 1...50 {
            if let pipe = waiting.removeValue(forKey: job) { return pipe.display }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Self.nobody(job)
    }

    /// Whether no agent has come yet.
    func isWaiting(_ visit: Visit) -> Bool { waiting[visit.job] != nil }

    private static func nobody(_ job: MachineJobID) -> NodeRefusal {
        NodeRefusal(.notFound, "Nobody waits here for console \(job).")
    }
}
