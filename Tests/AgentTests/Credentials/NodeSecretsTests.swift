// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A node's secrets are rotated when the conductor asks, whatever breaks off in the middle")
struct NodeSecretsTests {
    private static let joined = NewNodeCredentials(apiKey: "joined-key", brokerPassword: "joined-password")

    /// An agent's life: it reads its secrets, does what is wanted of them until a condition holds, and dies.
    private func live(
        in folder: String,
        joined: NewNodeCredentials = joined,
        with conductor: ListeningConductor,
        _ body: (NodeSecrets) async throws -> Void
    ) async throws {
        let secrets = try NodeSecrets(joined: joined, path: folder + "/secrets.json", logger: Example.logger)
        let keeping = Task { await secrets.keep(telling: conductor) {} }
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(secrets))
        } catch {
            result = .failure(error)
        }
        keeping.cancel()
        await keeping.value
        try result.get()
    }

    /// Has the next change of the file fail, which takes the obstacle away.
    private func obstruct(_ folder: String) throws -> String {
        let obstacle = folder + "/secrets.json.new"
        try FileManager.default.createDirectory(atPath: obstacle + "/full", withIntermediateDirectories: true)
        return obstacle
    }

    @Test("New ones are told with their number, used at once and after a restart; the same number is not done twice")
    func rotates() async throws {
        try await withTemporaryDirectory { folder in
            let conductor = ListeningConductor()
            let told = Shared<NewNodeCredentials?>(nil)
            try await live(in: folder, with: conductor) { secrets in
                #expect(secrets.current == Self.joined)
                #expect(!FileManager.default.fileExists(atPath: folder + "/secrets.json"))
                secrets.want(rotation: 4)
                try await eventually("they are used") { secrets.current != Self.joined }
                #expect(await conductor.credentials.map(\.rotation) == [4])
                #expect(await conductor.credentials.first?.credentials == secrets.current)
                #expect(secrets.current.apiKey.hasPrefix("gantry-node-") && secrets.current.apiKey.utf8.count > 43)
                told.change { $0 = secrets.current }
                let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/secrets.json")
                #expect(attributes[.posixPermissions] as? Int == 0o600)
            }
            try await live(in: folder, with: conductor) { secrets in
                #expect(secrets.current == told.value)
                // An answer from before the first use of the new key.
                secrets.want(rotation: 4)
                secrets.want(rotation: 5)
                try await eventually("the next is done") { secrets.current != told.value }
                #expect(await conductor.credentials.map(\.rotation) == [4, 5])
            }
        }
    }

    @Test("They are on disk before the conductor hears of them: after a lost answer or a death the same are told")
    func lostAnswer() async throws {
        try await withTemporaryDirectory { folder in
            let conductor = ListeningConductor()
            await conductor.fail(.unavailable("no answer"), .unavailable("503"))
            for attempt in 1...2 {
                try await live(in: folder, with: conductor) { secrets in
                    secrets.want(rotation: 1)
                    try await eventually("they are told") { await conductor.credentials.count == attempt }
                    #expect(secrets.current == Self.joined)
                }
            }
            try await live(in: folder, with: conductor) { secrets in
                #expect(secrets.current == Self.joined)
                secrets.want(rotation: 1)
                try await eventually("they are used") { secrets.current != Self.joined }
                #expect(await conductor.credentials.map(\.credentials) == Array(repeating: secrets.current, count: 3))
            }
        }
    }

    @Test("Where they cannot be stored nothing is told of them, and those before go on; it is done when it can be")
    func disk() async throws {
        try await withTemporaryDirectory { folder in
            let conductor = ListeningConductor()
            let obstacle = try obstruct(folder)
            try await live(in: folder, with: conductor) { secrets in
                secrets.want(rotation: 1)
                try await eventually("it fails") { !FileManager.default.fileExists(atPath: obstacle) }
                #expect(await conductor.credentials.isEmpty)
                #expect(secrets.current == Self.joined)
                secrets.want(rotation: 1)
                try await eventually("they are used") { secrets.current != Self.joined }
                #expect(await conductor.credentials.count == 1)
            }
        }
    }

    @Test("A death after the conductor took them, before the disk has them as the node's own, tells the same again")
    func deathAfterAnswer() async throws {
        try await withTemporaryDirectory { folder in
            let conductor = ListeningConductor()
            await conductor.fail(.unavailable("no answer"))
            try await live(in: folder, with: conductor) { secrets in
                secrets.want(rotation: 1)
                try await eventually("they are told") { await conductor.credentials.count == 1 }
                let obstacle = try obstruct(folder)
                secrets.want(rotation: 1)
                try await eventually("they are not stored") { !FileManager.default.fileExists(atPath: obstacle) }
                #expect(await conductor.credentials.count == 2)
            }
            try await live(in: folder, with: conductor) { secrets in
                // What the conductor knows under either outcome: the new ones are not used before they are stored.
                #expect(secrets.current == Self.joined)
                secrets.want(rotation: 1)
                try await eventually("they are used") { secrets.current != Self.joined }
                #expect(await Set(conductor.credentials.map(\.credentials)) == [secrets.current])
            }
        }
    }

    @Test("A rotation that is asked for while another is under way takes its place")
    func askedTwice() async throws {
        try await withTemporaryDirectory { folder in
            let conductor = ListeningConductor()
            await conductor.fail(.unavailable("no answer"))
            try await live(in: folder, with: conductor) { secrets in
                secrets.want(rotation: 1)
                try await eventually("the first is told") { await conductor.credentials.count == 1 }
                secrets.want(rotation: 2)
                try await eventually("the second is used") { secrets.current != Self.joined }
                let told = await conductor.credentials
                #expect(told.map(\.rotation) == [1, 2])
                #expect(told.first?.credentials != told.last?.credentials)
                #expect(told.last?.credentials == secrets.current)
            }
        }
    }

    @Test("A later join wins over what was rotated before it, which is removed")
    func joinedAgain() async throws {
        try await withTemporaryDirectory { folder in
            let conductor = ListeningConductor()
            try await live(in: folder, with: conductor) { secrets in
                secrets.want(rotation: 7)
                try await eventually("they are used") { secrets.current != Self.joined }
            }
            let again = NewNodeCredentials(apiKey: "another-key", brokerPassword: "another-password")
            try await live(in: folder, joined: again, with: conductor) { secrets in
                #expect(secrets.current == again)
                #expect(!FileManager.default.fileExists(atPath: folder + "/secrets.json"))
                secrets.want(rotation: 1)
                try await eventually("they are used") { secrets.current != again }
            }
        }
    }

    @Test("A damaged file is not the end: the join's are tried, and the conductor says whether they hold")
    func damaged() async throws {
        try await withTemporaryDirectory { folder in
            try Data("{\"join_digest\":".utf8).write(to: URL(filePath: folder + "/secrets.json"))
            try await live(in: folder, with: ListeningConductor()) { secrets in
                #expect(secrets.current == Self.joined)
            }
        }
    }

    @Test("A broker that refuses the password is reminded of the present one, by the conductor")
    func reminder() async throws {
        try await withTemporaryDirectory { folder in
            let conductor = ListeningConductor()
            try await live(in: folder, with: conductor) { secrets in
                secrets.want(rotation: 3)
                try await eventually("they are used") { secrets.current != Self.joined }
                secrets.remindBroker()
                try await eventually("they are told again") { await conductor.credentials.count == 2 }
                let told = await conductor.credentials
                #expect(told.first == told.last)
            }
        }
    }
}
