// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation

/// The host in namespaces that the agent is measured on, made by `Packaging/dev/host`.
struct HostOptions: ParsableArguments {
    @Option(help: "The name of a host that Packaging/dev/host has made.")
    var host: String

    @Option(help: "That host's folder.")
    var hostState: String

    @Option(help: "A folder for logs and the agent's files.")
    var directory: String

    private static let script = "Packaging/dev/host"

    /// The command that runs another one on the host, in its own place.
    func command(_ arguments: [String]) -> [String] { [Self.script, "exec", host, hostState] + arguments }

    /// Runs a command on the host to its end and returns its output.
    @discardableResult
    func run(_ arguments: String...) async throws -> String {
        try await Child.run(command(arguments))
    }

    /// Makes a port of this machine's loopback the host's too.
    func forward(_ url: String?) async throws {
        guard let port = url.flatMap({ URL(string: $0)?.port }) else { throw Trouble("an address without a port") }
        try await Child.run([Self.script, "forward", host, hostState, "\(port)"])
    }
}

/// An agent of the same build as this program, on a host of its own, as the node `benchmark`.
struct HostAgent: Sendable {
    static let path = Bundle.main.bundlePath + "/gantry-agent"

    let options: HostOptions
    private let configuration: String

    /// Lets the host reach a conductor that runs, and RabbitMQ, and has it join.
    init(_ options: HostOptions, conductor: ConductorChild) async throws {
        self.options = options
        configuration = "\(options.directory)/agent.yaml"
        try await options.forward(conductor.url)
        try await options.forward(ProcessInfo.processInfo.environment["GANTRY_AMQP_URL"])
        let token = try await conductor.joinToken()
        try await options.run(
            Self.path,
            "join",
            "--conductor",
            conductor.url,
            "--token",
            token,
            "--name",
            "benchmark",
            "--config",
            configuration
        )
    }

    /// Starts the agent and waits until it has a session.
    ///
    /// - Returns: the agent and the time from the start of its process until then.
    func start() async throws -> (child: Child, startup: Duration) {
        let child = try Child(
            options.command([Self.path, "run", "--config", configuration]),
            environment: [
                "GANTRY_STATE_DIRECTORY": "\(options.directory)/agent",
                "GANTRY_VIRT_TYPE": "qemu",
                "GANTRY_UPLINK": "uplink",
                "GANTRY_RESERVED_DISK_GIB": "1",
                "GANTRY_LOG_LEVEL": "debug",
            ],
            log: "\(options.directory)/agent.log"
        )
        try await child.wait(for: "the agent's session") { child.output.contains("Session begun") }
        return (child, ContinuousClock.now - child.started)
    }
}
