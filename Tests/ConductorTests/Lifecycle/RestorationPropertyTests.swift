// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Postgres
import Testing

@Suite("Whatever was done since the backup")
struct RestorationPropertyTests {
    @Test(
        "no host's machine loses what it has, none runs twice, and none that was deleted comes back",
        arguments: Seeds.lives(8, andNew: 2)
    )
    func lives(seed: UInt64) async throws {
        try await Cloud.withURL(pool: "203.0.113.0/28") { cloud, url in
            try await withTemporaryDirectory { folder in
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Logger(label: "test"))
                let hosts = [
                    try await LivingHost("one", in: cloud, gpus: 4, sharesStorage: true),
                    try await LivingHost("two", in: cloud, gpus: 4, sharesStorage: true),
                ]
                let life = Life(cloud: cloud, hosts: hosts, seed: seed)
                for _ in 0..<20 { try await life.step() }
                let backup = try await DatabaseBackup(of: url, in: folder)
                for _ in 0..<20 { try await life.step() }
                try await backup.restore()
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Logger(label: "test"))
                try await life.restored()
                for _ in 0..<20 { try await life.step() }
                try await life.settle()
                try await cloud.audit()
                let mistakes = await life.mistakes
                #expect(mistakes == [])
            }
        }
    }
}

/// Two hosts, a tenant who does this and that, and an operator whose hosts are drained and fail.
private actor Life {
    private let cloud: Cloud
    private let hosts: [LivingHost]
    private var generator: RepeatableGenerator
    private var names = 0
    /// Machines that were on no host any more when the database was restored, and that nobody started since.
    private var gone: Set<MachineUUID> = []
    /// Machines of which only their hosts know since that they are there, with what they hold.
    private var strangers: [MachineUUID: MachineTask] = [:]
    private(set) var mistakes: [String] = []

    init(cloud: Cloud, hosts: [LivingHost], seed: UInt64) {
        (self.cloud, self.hosts, generator) = (cloud, hosts, RepeatableGenerator(seed))
    }

    func step() async throws {
        let host = hosts[Int.random(in: hosts.indices, using: &generator)]
        switch Int.random(in: 0..<9, using: &generator) {
        case 0, 1, 2: try await host.turn()
        case 3: try await operate(host)
        default:
            do {
                try await act()
            } catch is MachineRefusal {
                // As it may be: no room, or another operation is under way.
            }
        }
        try await check()
    }

    /// An operator has a host's machines moved, or its power fails and it is taken for dead, or it is as it was.
    private func operate(_ host: LivingHost) async throws {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: try await cloud.drain(host.node, .move)
        case 1 where await host.isOn:
            await host.powerOff()
            try await cloud.silence(host.node)
            try await cloud.declareDead(host.node)
        default: try await recover(host)
        }
        await cloud.reconcile()
    }

    private func recover(_ host: LivingHost) async throws {
        _ = try await cloud.nodes.uncordon(host.node.identity.name)
        if await !host.isOn { try await host.begin() }
    }

    private func act() async throws {
        let machines = try await known(notDeleting: true)
        guard let machine = machines.randomElement(using: &generator), Int.random(in: 0..<2, using: &generator) == 0
        else {
            names += 1
            var request = cloud.request("vm-\(names)", flavor: Bool.random(using: &generator) ? cloud.gpu : cloud.small)
            request.assignFloatingIP = Bool.random(using: &generator)
            if Bool.random(using: &generator) { request.boot = .newVolume }
            _ = try await cloud.lifecycle.create(request)
            return
        }
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: try await perform(.stop, machine)
        case 1:
            try await perform(.start, machine)
            if let uuid = try await uuid(machine) { gone.remove(uuid) }
        case 2: try await cloud.lifecycle.detachFloatingIP(from: machine, in: cloud.organization, by: nil)
        case 3: try await cloud.lifecycle.attachFloatingIP(to: machine, in: cloud.organization, by: nil)
        default: try await perform(.delete, machine)
        }
    }

    private func perform(_ operation: MachineOperation, _ machine: VirtualMachineID) async throws {
        _ = try await cloud.lifecycle.perform(operation, on: machine, in: cloud.organization, by: nil)
    }

    private func uuid(_ machine: VirtualMachineID) async throws -> MachineUUID? {
        try await cloud.database.read { transaction in
            try transaction.query("SELECT uuid FROM virtual_machine WHERE id = \(machine)").first?["uuid"]
        }
    }

    private func known(notDeleting: Bool = false) async throws -> [VirtualMachineID] {
        try await cloud.database.read { transaction in
            try transaction.query(
                """
                SELECT id FROM virtual_machine WHERE deleted_at IS NULL AND NOT (\(notDeleting) AND phase = 'deleting')
                ORDER BY id
                """
            )
            .map { try $0["id"] }
        }
    }

    /// The database is another; the hosts are as they were.
    func restored() async throws {
        for host in hosts {
            gone.formUnion(await host.removed)
            let node = host.node.identity.id
            let known: Set<MachineUUID> = Set(
                try await cloud.database.read { transaction in
                    try transaction.query(
                        """
                        SELECT uuid FROM virtual_machine WHERE node_id = \(node)
                        UNION SELECT uuid FROM abandoned_machine WHERE node_id = \(node)
                        """
                    )
                    .map { try $0["uuid"] }
                }
            )
            for (uuid, task) in await host.machines where !known.contains(uuid) { strangers[uuid] = task }
        }
        for host in hosts { gone.subtract(await host.uuids) }
    }

    private func check() async throws {
        if await !hosts[0].running.isDisjoint(with: hosts[1].running) { mistakes.append("a machine runs twice") }
        for host in hosts {
            let machines = await host.machines
            for uuid in await gone.intersection(host.running) { mistakes.append("\(uuid) came back") }
            for (uuid, task) in strangers {
                let gpus = Set(task.spec?.gpus.map(\.address) ?? [])
                guard let there = machines[uuid] else { continue }
                if there != task { mistakes.append("\(uuid) is not as it was") }
                for (other, its) in machines where other != uuid {
                    if !gpus.isDisjoint(with: its.spec?.gpus.map(\.address) ?? []) {
                        mistakes.append("\(other) has a GPU of \(uuid)")
                    }
                }
            }
        }
        let addresses = strangers.values.compactMap(\.spec?.network.floatingIP)
        let given = try await cloud.number(
            """
            SELECT count(*) AS number FROM floating_ip f JOIN virtual_machine vm ON vm.id = f.vm_id
            WHERE f.address = ANY (\(addresses)::inet[]) AND vm.id > 1000000
            """
        )
        if given > 0 { mistakes.append("a floating IP of a host's machine was given away") }
    }

    /// Removes orphans and machines, and waits until nothing is left.
    func settle() async throws {
        for host in hosts { try await recover(host) }
        for _ in 0..<2 { for host in hosts { try await host.turn() } }
        for uuid in strangers.keys {
            var isThere = false
            for host in hosts { isThere = await host.uuids.contains(uuid) || isThere }
            if !isThere { mistakes.append("\(uuid) was taken down without a word") }
        }
        let orphans = OrphanStore(database: cloud.database)
        let found = try await orphans.orphans(.init(limit: 100)).elements
        if Set(found.map(\.uuid)) != Set(strangers.keys) { mistakes.append("not every stranger is an orphan") }
        for orphan in found { _ = try await orphans.remove(orphan.id) }
        for machine in try await known(notDeleting: true) { try await perform(.delete, machine) }
        for _ in 0..<3 {
            for host in hosts { try await host.turn() }
            await cloud.reconcile()
        }
        for host in hosts where await !host.machines.isEmpty { mistakes.append("something is left") }
        let left = try await cloud.number(
            """
            SELECT (SELECT count(*) FROM virtual_machine WHERE deleted_at IS NULL) + (SELECT count(*) FROM orphan)
                + (SELECT sum(allocated_vcpus + allocated_disk_gib) FROM compute_node)
                + (SELECT count(*) FROM gpu_device WHERE NOT schedulable)
                + (SELECT count(*) FROM floating_ip WHERE vm_id IS NOT NULL OR orphan_id IS NOT NULL) AS number
            """
        )
        if left > 0 { mistakes.append("something is held: \(left)") }
    }
}
