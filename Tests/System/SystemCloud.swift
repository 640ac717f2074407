// SPDX-License-Identifier: Apache-2.0

import AMQP
import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Postgres
import Testing

/// A whole cloud on this machine: two conductors on one database, hosts in namespaces with real agents, and a network
/// outside of them from which guests are reached.
struct SystemCloud: Sendable {
    let conductors: [ConductorInstance]
    let hosts: [TestHost]
    let image: TestImage
    let ids: CloudRows
    /// The namespace outside the hosts, where clients are.
    let outside: String
    let folder: String
    private let credentials: [NodeCredentials]
    private let brokerPort: Int

    var conductor: ConductorInstance { conductors[0] }
    var database: Database { conductor.database }

    /// Runs a test in a cloud with some hosts, and takes all of it away afterwards.
    static func with(
        hosts count: Int = 1,
        image: TestImage? = nil,
        _ body: @Sendable @escaping (SystemCloud) async throws -> Void
    ) async throws {
        let services = try await TestServices.shared
        let image = if let image { image } else { try await TestImage.micro() }
        try await withTemporaryDirectory { folder in
            try await withTemporaryDatabase { database in
                try await withTemporaryVirtualHost { broker in
                    try await ConductorInstance.with(
                        database,
                        broker: broker.configuration,
                        managementURL: services.managementURL
                    ) { first in
                        try await ConductorInstance.with(
                            database,
                            broker: broker.configuration,
                            managementURL: services.managementURL
                        ) { second in
                            let cloud = try await SystemCloud(
                                [first, second],
                                count,
                                image,
                                folder,
                                broker.configuration
                            )
                            try await cloud.run(body)
                        }
                    }
                }
            }
        }
    }

    private init(
        _ conductors: [ConductorInstance],
        _ count: Int,
        _ image: TestImage,
        _ folder: String,
        _ broker: AMQPConfiguration
    ) async throws {
        let tag = String(UInt32.random(in: 0...UInt32.max), radix: 36)
        (self.conductors, self.image, self.folder) = (conductors, image, folder)
        outside = "gtc-\(tag)"
        hosts = (0..<count).map { TestHost(name: "gth-\(tag)-\($0)", folder: "\(folder)/host\($0)") }
        ids = try await CloudRows.insert(into: conductors[0].database, image: image)
        brokerPort = broker.port
        var credentials: [NodeCredentials] = []
        for index in 0..<count {
            credentials.append(
                try await conductors[0].nodes
                    .create(
                        try NodeName("node-\(index)"),
                        region: ids.region,
                        ratios: OvercommitRatios(vcpu: 64, memory: 8, disk: 64)
                    )
            )
        }
        self.credentials = credentials
    }

    private func run(_ body: @Sendable (SystemCloud) async throws -> Void) async throws {
        let result: Result<Void, any Error>
        do {
            try await makeNetwork()
            result = .success(try await body(self))
        } catch {
            result = .failure(error)
            for host in hosts { print(host.lastWords) }
        }
        for host in hosts { try await host.down() }
        _ = try await GantryTestSupport.run("ip", ["netns", "del", outside])
        try result.get()
    }

    private func makeNetwork() async throws {
        try await shell("ip", "netns", "add", outside)
        try await shell("ip", "-n", outside, "link", "add", "fabric", "type", "bridge")
        try await shell("ip", "-n", outside, "address", "add", "198.51.100.1/24", "dev", "fabric")
        try await shell("ip", "-n", outside, "link", "set", "fabric", "up")
        for (index, host) in hosts.enumerated() {
            try await host.up(uplink: "198.51.100.\(10 + index)/24", fabric: "\(outside):fabric")
            for conductor in conductors { try await host.forward(conductor.port) }
            try await host.forward(brokerPort)
        }
    }

    /// Starts the agent of a host; each host's talks to another conductor.
    func startAgent(_ index: Int = 0, killAt: String? = nil) throws -> AgentProcess {
        let host = hosts[index]
        var environment = [
            "GANTRY_CONDUCTOR_URL": conductors[index % conductors.count].url,
            "GANTRY_NODE_NAME": "\(credentials[index].node)",
            "GANTRY_NODE_API_KEY": credentials[index].apiKey,
            "GANTRY_AMQP_URL": credentials[index].amqpURL,
            "GANTRY_STATE_DIRECTORY": host.agentFolder,
            "GANTRY_VIRT_TYPE": "qemu",
            "GANTRY_UPLINK": "uplink",
            "GANTRY_RESERVED_DISK_GIB": "1",
            "GANTRY_LOG_LEVEL": "debug",
        ]
        environment["GANTRY_TEST_KILL_AT"] = killAt
        return try AgentProcess(in: host, environment: environment, log: host.folder + "/agent.log")
    }

    // MARK: - Machines

    /// A request for machines of the one flavor.
    func request(
        _ name: String?,
        count: Int = 1,
        image: ImageID? = nil,
        floatingIP: Bool = true,
        userData: Data? = nil
    ) throws -> MachineCreation {
        MachineCreation(
            organization: ids.organization,
            user: ids.user,
            environment: ids.environment,
            flavor: ids.flavor,
            image: image ?? ids.image,
            keys: ids.keys,
            name: name,
            count: count,
            labels: ["test"],
            assignFloatingIP: floatingIP,
            userData: userData,
            securityRules: [
                SecurityRule(
                    direction: .ingress,
                    etherType: .ipv4,
                    protocol: "tcp",
                    remote: try Subnet("0.0.0.0/0"),
                    ports: 22...22
                )
            ]
        )
    }

    /// Makes a machine as soon as a node takes it.
    func create(_ name: String, image: ImageID? = nil, userData: Data? = nil) async throws -> VirtualMachineRecord {
        let request = try request(name, image: image, userData: userData)
        return try await eventually("a node takes \(name)") {
            do {
                return try await conductor.lifecycle.create(request).machines.first
            } catch let refusal as MachineRefusal {
                guard [.noCapacity, .neverFits].contains(refusal.reason) else { throw refusal }
                return nil
            }
        }
    }

    func machine(_ id: VirtualMachineID) async throws -> VirtualMachineRecord? {
        try await conductor.store.machine(id, in: ids.organization)
    }

    /// Waits until a machine has a status; one that fails on the way ends the wait.
    @discardableResult
    func wait(
        for id: VirtualMachineID,
        _ status: MachineStatus,
        timeout: Duration = .seconds(180)
    ) async throws -> VirtualMachineRecord {
        try await eventually("machine \(id) becomes \(status.rawValue)", timeout: timeout) {
            let record = try await machine(id)
            if record?.status == .error && status != .error {
                throw CommandFailure(description: "machine \(id) failed: \(record?.fault?.description ?? "no reason")")
            }
            return record?.status == status ? record : nil
        }
    }

    func waitUntilGone(_ id: VirtualMachineID) async throws {
        try await eventually("machine \(id) is gone", timeout: .seconds(180)) {
            let record = try await machine(id)
            return record == nil || record?.deletedAt != nil
        }
    }

    func perform(_ operation: MachineOperation, _ id: VirtualMachineID, conductor index: Int = 0) async throws {
        _ = try await conductors[index].lifecycle.perform(operation, on: id, in: ids.organization, by: ids.user)
    }

    // MARK: - Guests

    /// Runs a command in a guest, over its floating IP, from outside the hosts; nil while nobody answers.
    func ssh(
        _ record: VirtualMachineRecord,
        key: Int = 0,
        _ command: String,
        asRoot: Bool = false
    ) async throws -> String? {
        guard let address = record.floatingIP else { return nil }
        let output = try await GantryTestSupport.run(
            "ip",
            [
                "netns", "exec", outside, "ssh", "-q", "-i", ids.keyFiles[key], "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=5",
                "\(asRoot ? "root" : image.user)@\(address)", command,
            ]
        )
        return output.status == 0 ? output.text.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    /// Waits until a command in a guest succeeds.
    @discardableResult
    func login(
        _ record: VirtualMachineRecord,
        key: Int = 0,
        _ command: String = "true",
        timeout: Duration = .seconds(240)
    ) async throws -> String {
        try await eventually("SSH to \(record.name) by key \(key)", timeout: timeout) {
            try await ssh(record, key: key, command)
        }
    }
}
