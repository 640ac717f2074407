// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Postgres
import Testing

@Suite("A database that was restored from a backup")
struct RestorationTests {
    private static let logger = Logger(label: "test")

    private func request(_ cloud: Cloud, _ name: String, flavor: FlavorID? = nil, ip: Bool = true) -> MachineCreation {
        var request = cloud.request(name, flavor: flavor)
        request.assignFloatingIP = ip
        return request
    }

    @Test("is noticed once, by where its tables are; the first look and one in the same place are none")
    func noticed() async throws {
        try await Cloud.withURL { cloud, url in
            try await withTemporaryDirectory { folder in
                let look = { try await Restoration.beginIfMoved(cloud.database, logger: Self.logger) }
                #expect(try await look() == false)
                #expect(try await look() == false)
                let backup = try await DatabaseBackup(of: url, in: folder)
                #expect(try await look() == false)
                try await backup.restore()
                let looks = try await [look(), look()]
                #expect(looks == [true, false])
            }
        }
    }

    @Test("What was created since keeps all that it holds, what was deleted since stays gone, until an operator's word")
    func lives() async throws {
        try await Cloud.withURL(pool: "203.0.113.0/29") { cloud, url in
            try await withTemporaryDirectory { folder in
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)
                let host = try await LivingHost("one", in: cloud, gpus: 4)
                try await host.turn()
                let (deleted, stopped) = (
                    try await cloud.createOne(request(cloud, "deleted")),
                    try await cloud.createOne(request(cloud, "stopped", ip: false))
                )
                try await host.turn()
                let backup = try await DatabaseBackup(of: url, in: folder)

                try await cloud.perform(.stop, stopped)
                try await cloud.perform(.delete, deleted)
                try await host.turn()
                let created = try await cloud.createOne(request(cloud, "created", flavor: cloud.gpu))
                try await host.turn()
                #expect(try await cloud.now(created)?.status == .active)
                let before = await (ips: host.floatingIPs, gpus: host.gpus, uuids: host.uuids)
                try await backup.restore()
                #expect(try await Restoration.beginIfMoved(cloud.database, logger: Self.logger))

                // Nothing before the host has spoken.
                await #expect(throws: MachineRefusal.self) {
                    try await cloud.createOne(request(cloud, "early", ip: false))
                }
                let refusal = await #expect(throws: NodeRefusal.self) { try await host.node.desired() }
                #expect(refusal?.reason == .unsurveyed)
                try await host.turn()
                try await cloud.audit()
                try await host.turn()
                try await cloud.audit()
                #expect(await host.uuids == before.uuids)
                #expect(await host.floatingIPs.isSuperset(of: before.ips))
                #expect(await host.gpus == before.gpus)

                let missing = try #require(try await cloud.now(deleted))
                #expect(missing.status == .error && missing.fault?.code == .machineMissing)
                #expect(await host.built[missing.uuid] == 1)
                #expect(try await cloud.now(stopped)?.status == .active)
                let orphan = try #require(
                    try await OrphanStore(database: cloud.database).orphans(.init(limit: 9)).elements.first
                )
                #expect(orphan.name == "created" && orphan.resources == Resources(vcpus: 1, memoryMiB: 512, diskGiB: 5))
                #expect(Set(orphan.gpus) == before.gpus && orphan.floatingIP.map { [$0] } == Array(before.ips))
                let units = GPUStore(database: cloud.database)
                let held = try await units.units(.init(), GPUFilter(state: .allocated)).elements
                #expect(Set(held.map(\.address)) == before.gpus && Set(held.map(\.orphanID)) == [orphan.id])
                let unit = try #require(held.first).id
                let kept = await #expect(throws: ResourceRefusal.self) {
                    try await units.returnToHost(unit, reason: "Its host wants it.")
                }
                #expect(kept?.message.contains("of orphan \(orphan.id)") == true)

                // Life goes on beside it.
                let next = try await cloud.createOne(request(cloud, "next", flavor: cloud.gpu))
                #expect(next.id.rawValue > created.id.rawValue)
                for number in 1...3 { _ = try await cloud.createOne(request(cloud, "more-\(number)")) }
                let full = await #expect(throws: MachineRefusal.self) {
                    try await cloud.createOne(request(cloud, "last", ip: true))
                }
                #expect(full?.reason == .noFloatingIP)
                await #expect(throws: MachineRefusal.self) {
                    try await cloud.createOne(request(cloud, "last", flavor: cloud.gpu, ip: false))
                }
                try await host.turn()
                #expect(try await cloud.now(next)?.status == .active)
                #expect(await host.machines.count == 6)

                _ = try await OrphanStore(database: cloud.database).remove(orphan.id)
                try await host.turn()
                try await host.turn()
                #expect(await !host.uuids.contains(orphan.uuid))
                #expect(try await OrphanStore(database: cloud.database).orphans(.init(limit: 9)).count == 0)
                try await cloud.audit()
                _ = try await cloud.createOne(request(cloud, "last", flavor: cloud.gpu, ip: true))
                try await cloud.perform(.delete, missing)
                try await host.turn()
                #expect(try await cloud.now(missing) == nil)
                try await cloud.audit()
            }
        }
    }

    @Test("A machine that its host no longer has is built anew at its owner's word alone")
    func rebuilt() async throws {
        try await Cloud.withURL { cloud, url in
            try await withTemporaryDirectory { folder in
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)
                let host = try await LivingHost("one", in: cloud)
                let machine = try await cloud.createOne()
                try await host.turn()
                try await cloud.perform(.stop, machine)
                try await host.turn()
                let backup = try await DatabaseBackup(of: url, in: folder)
                try await cloud.perform(.delete, machine)
                try await host.turn()
                try await backup.restore()
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)
                for _ in 0..<3 { try await host.turn() }
                #expect(try await cloud.now(machine)?.fault?.code == .machineMissing)
                #expect(await host.uuids.isEmpty)
                for operation in [MachineOperation.start, .stop, .hibernate] {
                    let refusal = await #expect(throws: MachineRefusal.self) {
                        try await cloud.perform(operation, machine)
                    }
                    #expect(refusal?.reason == .wrongState)
                }
                try await cloud.perform(.hardReboot, machine)
                try await host.turn()
                #expect(try await cloud.now(machine)?.status == .active)
                try await cloud.audit()
            }
        }
    }

    @Test(
        "A machine that went to another host since runs once, whichever speaks first, and where the database has it when an operator removed the copy",
        arguments: [true, false],
        [true, false]
    )
    func moved(hasDied: Bool, formerSpeaksFirst: Bool) async throws {
        try await Cloud.withURL { cloud, url in
            try await withTemporaryDirectory { folder in
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)
                let former = try await LivingHost("one", in: cloud, sharesStorage: true)
                let machine = try await cloud.createMovable("web")
                try await former.turn()
                let latter = try await LivingHost("two", in: cloud, sharesStorage: true)
                let backup = try await DatabaseBackup(of: url, in: folder)

                if hasDied {
                    await former.powerOff()
                    try await cloud.silence(former.node)
                    try await cloud.declareDead(former.node)
                } else {
                    try await cloud.drain(former.node, .move)
                }
                for _ in 0..<4 {
                    for host in [former, latter] { try await host.turn() }
                    await cloud.reconcile()
                }
                #expect(await latter.running == [machine.uuid])
                try await backup.restore()
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)

                for host in formerSpeaksFirst ? [former, latter] : [latter, former] {
                    if await !host.isOn { try await host.begin() }
                    for _ in 0..<3 {
                        try await host.turn()
                        #expect(await former.running.isEmpty)
                    }
                    await cloud.reconcile()
                }
                #expect(await latter.running == [machine.uuid])
                let missing = try #require(try await cloud.now(machine))
                #expect(missing.status == .error && missing.fault?.code == .machineMissing)
                let refusal = await #expect(throws: MachineRefusal.self) {
                    try await cloud.perform(.hardReboot, machine)
                }
                #expect(refusal?.reason == .wrongState)
                try await cloud.audit()

                let orphans = OrphanStore(database: cloud.database)
                let copy = try #require(try await orphans.orphans(.init(limit: 9)).elements.first)
                _ = try await orphans.remove(copy.id)
                for _ in 0..<2 { try await latter.turn() }
                try await cloud.perform(.hardReboot, machine)
                for host in [former, latter] { try await host.turn() }
                #expect(await former.running == [machine.uuid])
                #expect(await latter.running.isEmpty)
                #expect(try await cloud.now(machine)?.status == .active)
                #expect(try await cloud.number("SELECT count(*) AS number FROM abandoned_machine") == 0)
                try await cloud.audit()
            }
        }
    }

    @Test("A machine that could have gone to another host starts again when all were heard, without a new revision")
    func waited() async throws {
        try await Cloud.withURL { cloud, url in
            try await withTemporaryDirectory { folder in
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)
                let one = try await LivingHost("one", in: cloud, sharesStorage: true)
                let (movable, bound) = (try await cloud.createMovable("web"), try await cloud.createOne())
                try await one.turn()
                let two = try await LivingHost("two", in: cloud, sharesStorage: true)
                let backup = try await DatabaseBackup(of: url, in: folder)
                await one.powerOff()
                try await backup.restore()
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)

                try await one.begin()
                try await one.turn()
                #expect(await one.running == [bound.uuid])
                let known = try #require(try await one.node.desired()).revision
                try await two.turn()
                #expect(try await one.node.desired(unless: known)?.machines.count == 2)
                try await one.turn()
                #expect(await one.running == [movable.uuid, bound.uuid])
                #expect(try await cloud.now(movable)?.status == .active)
                let settled = try #require(try await one.node.desired()).revision
                #expect(try await one.node.desired(unless: settled) == nil)
                try await cloud.audit()
            }
        }
    }

    @Test("Floating IPs and networks wait for every node, or for the operator to say that one does not come back")
    func region() async throws {
        try await Cloud.withURL { cloud, url in
            try await withTemporaryDirectory { folder in
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)
                let (one, two) = (try await LivingHost("one", in: cloud), try await LivingHost("two", in: cloud))
                let backup = try await DatabaseBackup(of: url, in: folder)
                try await backup.restore()
                _ = try await Restoration.beginIfMoved(cloud.database, logger: Self.logger)
                try await one.turn()
                _ = try await cloud.createOne(request(cloud, "plain", ip: false))
                await #expect(throws: MachineRefusal.self) { try await cloud.createOne(request(cloud, "address")) }
                let environments = EnvironmentStore(database: cloud.database)
                let refusal = await #expect(throws: ResourceRefusal.self) {
                    try await environments.create("another", region: "TEST-1", in: cloud.organization)
                }
                #expect(refusal?.reason == .exhausted)

                try await Restoration.goOn(cloud.database, without: [try NodeName("two")])
                // It is said of one that is waited for, and nothing begins anew.
                for name in ["two", "three"] {
                    await #expect(throws: NodeRefusal.self) {
                        try await Restoration.goOn(cloud.database, without: [try NodeName(name)])
                    }
                }
                try await one.node.report()
                _ = try await cloud.createOne(request(cloud, "address"))
                _ = try await environments.create("another", region: "TEST-1", in: cloud.organization)
                try await two.turn()
                try await cloud.audit()
            }
        }
    }

    @Test("A host that was told of a newer time than the database knows is weighed without anybody's word")
    func unnoticed() async throws {
        try await Cloud.withURL { cloud, url in
            try await withTemporaryDirectory { folder in
                let host = try await LivingHost("one", in: cloud)
                let machine = try await cloud.createOne(request(cloud, "deleted"))
                try await host.turn()
                let backup = try await DatabaseBackup(of: url, in: folder)
                try await cloud.perform(.delete, machine)
                try await host.turn()
                try await host.begin()
                try await backup.restore()
                let refusal = await #expect(throws: NodeRefusal.self) { try await host.node.report() }
                #expect(refusal?.reason == .unsurveyed)
                try await host.begin()
                try await host.turn()
                #expect(try await cloud.now(machine)?.fault?.code == .machineMissing)
                #expect(await host.built[machine.uuid] == 1)
            }
        }
    }

    @Test("Join tokens that may have been used since are good for nothing")
    func tokens() async throws {
        try await Cloud.with { cloud in
            let tokens = JoinTokenStore(database: cloud.database)
            _ = try await tokens.create(region: cloud.region, hostname: nil, lifetime: .seconds(3600))
            try await Restoration.begin(cloud.database)
            #expect(try await cloud.number("SELECT count(*) AS number FROM join_token WHERE revoked_at IS NULL") == 0)
        }
    }
}
