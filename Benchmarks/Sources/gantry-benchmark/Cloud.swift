// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Foundation

/// A conductor and one agent on a real host.
struct Cloud: Sendable {
    let api: API
    let agent: Child
    let options: HostOptions

    /// Between two looks, which shall not disturb what is measured.
    private static let interval = Duration.milliseconds(250)

    /// A machine that the agent has made.
    struct Machine: Sendable {
        let id: Int64
        let uuid: String
        /// From the task taken until its domain ran.
        let made: Duration
    }

    /// Runs `body` in a cloud and ends it.
    static func with(_ options: HostOptions, image: String, _ body: (Cloud) async throws -> Void) async throws {
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let digest = try await Child.run(["/usr/bin/sha256sum", image]).prefix(64)
        try await ConductorChild.seed(
            imageURL: "file://\(image)",
            sha256: String(digest),
            floatingIPPool: "198.51.100.128/26"
        )
        let conductor = try await ConductorChild.start(client, directory: options.directory)
        var agent: Child?
        let result: Result<Void, any Error>
        do {
            let started = try await HostAgent(options, conductor: conductor).start().child
            agent = started
            result = .success(
                try await body(Cloud(api: API(client: client, url: conductor.url), agent: started, options: options))
            )
        } catch {
            result = .failure(error)
        }
        await agent?.stop()
        await conductor.child.stop()
        try await client.shutdown()
        try result.get()
    }

    /// The image in the agent's cache.
    var cachedImage: String {
        get throws {
            let folder = "\(options.directory)/agent/images"
            let names = try FileManager.default.contentsOfDirectory(atPath: folder)
            guard names.count == 1 else { throw Trouble("\(folder) holds \(names.count) images instead of one.") }
            return "\(folder)/\(names[0])"
        }
    }

    /// Makes a machine, as soon as the node takes one, and waits until it is ACTIVE.
    func machine() async throws -> Machine {
        var made: API.Machine?
        try await agent.wait(for: "a node that takes machines", seconds: 60, every: Self.interval) {
            made = try? await api.createMachine()
            return made != nil
        }
        guard let id = made?.id else { throw Trouble("no machine") }
        try await agent.wait(for: "an ACTIVE machine", seconds: 60, every: Self.interval) {
            let status = try await api.machine(id)?.status
            guard status != "ERROR" else { throw Trouble("machine \(id) failed; see agent.log") }
            return status == "ACTIVE"
        }
        return try machine(id)
    }

    func delete(_ machine: Machine) async throws {
        try await api.deleteMachine(machine.id)
        try await agent.wait(for: "a machine to go", seconds: 60, every: Self.interval) {
            try await api.machine(machine.id) == nil
        }
    }

    /// Reads from the agent's log when it took the machine's task and when the domain ran.
    private func machine(_ id: Int64) throws -> Machine {
        let lines = agent.output.split(separator: "\n").compactMap { LogLine($0) }
        guard let taken = lines.first(where: { $0.message == "Took a task" && $0.machineID == "\(id)" }),
            let uuid = taken.uuid,
            let started = lines.first(where: { $0.message == "Step done" && $0.uuid == uuid && $0.step == "start" })
        else { throw Trouble("the agent's log does not tell of machine \(id)") }
        return Machine(id: id, uuid: uuid, made: .seconds(started.time.timeIntervalSince(taken.time)))
    }
}

/// A line of the agent's log, as far as it is of use here.
private struct LogLine: Decodable {
    let time: Date
    let message: String
    let machineID: String?
    let uuid: String?
    let step: String?

    init?(_ line: Substring) {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            return try Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        }
        guard let value = try? decoder.decode(Self.self, from: Data(line.utf8)) else { return nil }
        self = value
    }

    private enum CodingKeys: String, CodingKey {
        case time, message, step
        case machineID = "vm.id"
        case uuid = "vm.uuid"
    }
}
