// SPDX-License-Identifier: Apache-2.0

import Agent
import ArgumentParser
import AsyncHTTPClient
import Foundation
import GantryModel
import GantryProtocol
import HostScenario
import Logging

/// Goes through the scenario on the host that it runs on, and prints what was seen. A test runs it in namespaces.
@main
struct LinuxHostScenario: AsyncParsableCommand {
    @Argument(help: "An empty folder for images and machines.")
    var folder: String

    @Argument(help: "The task, as JSON.")
    var task: String

    func run() async throws {
        let task = try NodeJSON.decoder.decode(MachineTask.self, from: Data(task.utf8))
        let logger = Logger(label: "scenario") { StreamLogHandler.standardError(label: $0) }
        let client = HTTPClient(eventLoopGroupProvider: .singleton)
        let hypervisor = Hypervisor(uri: "qemu:///system", logger: logger)
        for name in ["images", "machines"] { try HostFiles.makeDirectory("\(folder)/\(name)") }
        let host = LinuxHost(
            hypervisor: hypervisor,
            network: HostNetwork(
                hypervisor: hypervisor,
                floatingIPs: FloatingIPs(uplink: nil, logger: logger),
                logger: logger
            ),
            consoles: Consoles(
                hypervisor: hypervisor,
                client: client,
                conductorURL: "http://127.0.0.1:9",
                node: task.node,
                key: { "none" },
                logger: logger
            ),
            images: ImageCache(
                directory: "\(folder)/images",
                download: ImageDownload(client: client),
                logger: logger
            ),
            pools: StoragePools([LocalPool(name: "local", directory: "\(folder)/volumes")], logger: logger),
            gpus: GPUKeeper(
                scan: GPUScan(policy: GPUPolicy(allow: [])),
                ledger: GPULedger(path: "\(folder)/gpus.json"),
                hook: nil,
                returnsDrivers: false,
                logger: logger
            ),
            machinesDirectory: "\(folder)/machines",
            virtType: .qemu,
            reserved: .zero,
            logger: logger
        )
        let name = DomainXML.name(of: task)
        var scenario = HostScenario(host, task) { event in
            try await Self.cause(event, name)
            let isOff = event != .hold
            while try await host.domain(task.uuid)?.state == .running { try await Self.wait() }
            // The guest is off before its QEMU is gone.
            while isOff, try await Command("virsh", ["-q", "domstate", name]).run().hasPrefix("in shutdown") {
                try await Self.wait()
            }
        }
        let seen = try await scenario.run()
        try await client.shutdown()
        print(seen.joined(separator: "\n"))
    }

    private static func wait() async throws { try await Task.sleep(for: .milliseconds(100)) }

    private static func cause(_ event: HostScenario.Event, _ name: String) async throws {
        switch event {
        case .shutDown:
            // The guest listens to its power button only once it has booted.
            while try await Command("virsh", ["-q", "domstate", name]).run().hasPrefix("running") {
                try await Command("virsh", ["-q", "shutdown", name]).run()
                try await Task.sleep(for: .milliseconds(500))
            }
        case .crash:
            let pid = try String(contentsOfFile: "/run/libvirt/qemu/\(name).pid", encoding: .utf8)
            guard let pid = Int32(pid.trimmingCharacters(in: .whitespacesAndNewlines)) else { return }
            kill(pid, SIGKILL)
        case .unplug: try await Command("virsh", ["-q", "destroy", name]).run()
        case .hold: try await Command("virsh", ["-q", "suspend", name]).run()
        }
    }
}
