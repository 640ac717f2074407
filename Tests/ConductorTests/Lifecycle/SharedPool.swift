// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Logging
import Postgres

extension SpeakingNode {
    /// Adds a node that mounts a storage pool with others.
    static func mounting(_ name: String, vcpus: Int = 16, gpus: Int = 0, in cloud: Cloud) async throws -> SpeakingNode {
        let node = try await SpeakingNode(
            name,
            in: cloud,
            total: Resources(vcpus: vcpus, memoryMiB: 65536, diskGiB: 1000),
            gpus: try (0..<gpus).map { try GPUInventory.example($0 + 1) }
        )
        try await node.mount()
        return node
    }

    func mount() async throws {
        inventory.storagePools = [StoragePoolInventory(name: "shared", kind: .shared)]
        try await report(withInventory: true)
    }
}

extension Cloud {
    var drains: NodeDrain { NodeDrain(database: database, outbox: outbox) }
    var nodes: NodeStore { NodeStore(database: database) }

    /// Makes a machine that boots from a volume in the shared pool.
    func createMovable(
        _ name: String,
        flavor: FlavorID? = nil,
        floatingIP: Bool = false
    ) async throws -> VirtualMachineRecord {
        var request = request(name, flavor: flavor)
        request.boot = .newVolume
        request.assignFloatingIP = floatingIP
        return try await createOne(request)
    }

    /// Drains a node by its name and takes the first step.
    func drain(_ node: SpeakingNode, _ policy: DrainPolicy) async throws {
        let record = try await nodes.drain(node.identity.name, policy, reason: "fans")
        try await drains.advance(record.id)
    }

    /// How far a node's drain is.
    func drain(of node: SpeakingNode) async throws -> NodeDrainRecord? {
        try await nodes.node(node.identity.name)?.drain
    }

    /// The name of the node where a machine is.
    func place(_ machine: VirtualMachineRecord) async throws -> String? {
        try await now(machine)?.node?.name.description
    }

    /// An operator takes a silent node's host for dead.
    func declareDead(_ node: SpeakingNode) async throws {
        try await NodeDeath(database: database, outbox: outbox, logger: Logger(label: "test"))
            .declare(node.identity.name, fencedBy: "power off by IPMI")
    }

    /// A node was last heard an hour ago.
    func silence(_ node: SpeakingNode) async throws {
        try await execute(
            "UPDATE node_report SET received_at = now() - interval '1 hour' WHERE node_id = \(node.identity.id)"
        )
        await reconcile()
    }

    /// One round of a reconciler.
    func reconcile() async {
        await Reconciler(database: database, outbox: outbox, logger: Logger(label: "test")).round()
    }
}
