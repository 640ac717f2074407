// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient
import GantryModel
import GantryProtocol

struct NodeDrain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain",
        abstract: "Keep new machines off a node, and stop, move or wait for those that it has.",
        discussion: """
            stop: machines are stopped and stay on the node. move: those that have nothing on the node's own disk are stopped
            and started on other nodes, one after the other; the others are left. wait: nothing is done to machines; the drain
            is over when their owners have deleted them. It goes on without this command; uncordon ends it.
            """
    )

    private static let interval = Duration.milliseconds(500)

    @OptionGroup var reference: NodeReference

    @Option(
        help: "What becomes of the machines: \(DrainPolicy.allCases.map(\.rawValue).joined(separator: ", ")).",
        completion: .list(DrainPolicy.allCases.map(\.rawValue)),
        transform: { text in
            guard let policy = DrainPolicy(rawValue: text) else { throw ValidationError("use stop, move or wait") }
            return policy
        }
    )
    var policy: DrainPolicy

    @Option(help: "Why, for other operators.")
    var reason: String

    @Flag(help: "Wait until it is over, and tell how it goes on.")
    var wait = false

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ClientError) in
            let answer = try await client.drainNode(reference.name, policy, reason: reason)
            guard wait else { return connection.output.print(answer.content) { answer.message } }
            let node = try await follow(client)
            let machines = try await client.machines(ofNode: reference.name)
            connection.output.print(node) { Self.outcome(node, machines) }
        }
    }

    private func follow(_ client: APIClient) async throws(ClientError) -> NodeBody {
        var line = ProgressLine()
        defer { line.end() }
        while true {
            let node = try await client.node(reference.name)
            guard let drain = node.drain, drain.policy == policy else {
                throw .refused(409, "conflict", "The drain of \(node.name) was ended or begun anew by somebody else.")
            }
            line.show("\(node.name): \(drain.words)")
            if drain.finishedAt != nil { return node }
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                throw .transport("interrupted")
            }
        }
    }

    private static func outcome(_ node: NodeBody, _ machines: [NodeMachineBody]) -> String {
        let staying = machines.filter { $0.drain == "stays" }
            .map { "  \($0.name) (\($0.id)) stays: \($0.drainReason ?? "")" }
        return (["\(node.name) is drained."] + staying).joined(separator: "\n")
    }
}

extension NodeDrainBody {
    /// How far it is, for a list.
    var shortWords: String {
        guard finishedAt == nil else { return "drained" }
        return left.map { "draining, \($0) left" } ?? "draining"
    }

    /// How far it is.
    var words: String {
        let counts = [
            left.map { "\($0) left" }, staying.flatMap { $0 > 0 ? "\($0) staying" : nil }, obstacle,
        ]
        let known = counts.compactMap { $0 }.joined(separator: ", ")
        return finishedAt == nil ? "draining (\(policy.rawValue)): \(known)" : "drained (\(policy.rawValue)): \(known)"
    }
}
