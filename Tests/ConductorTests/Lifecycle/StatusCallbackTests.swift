// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Logging
import Postgres
import Testing

@Suite("Every change of a machine's status is written down for its callback, once and with it")
struct StatusCallbackTests {
    private static let url = "https://example.com/hook?Token=A%2fb"

    /// The operation and status of each, oldest first.
    private func told(_ cloud: Cloud) async throws -> [String] {
        try await cloud.deliveries().map { "\($0.operation) \($0.status)" }
    }

    private func round(_ cloud: Cloud) async {
        await Reconciler(database: cloud.database, outbox: cloud.outbox, logger: Logger(label: "test")).round()
    }

    @Test("A life from creation to deletion, with the floating IP as it is at each change")
    func life() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne(cloud.request(callingBack: Self.url, floatingIP: true))
            try await node.report([cloud.task(machine).done(power: .absent, activity: Activity(step: "disk"))])
            try await node.converge()
            try await node.converge()
            for operation in [MachineOperation.hardReboot, .stop, .start, .delete] {
                try await cloud.perform(operation, machine)
                try await node.converge()
            }
            #expect(
                try await told(cloud) == [
                    "createInstance CREATING", "createInstance BUILD", "createInstance ACTIVE",
                    "rebootInstance REBOOTING", "rebootInstance ACTIVE", "stopInstance STOPPING",
                    "stopInstance SHUTOFF",
                    "startInstance STARTING", "startInstance ACTIVE", "deleteInstance DELETING",
                    "deleteInstance DELETED",
                ]
            )
            let deliveries = try await cloud.deliveries()
            #expect(Set(deliveries.map(\.url)) == [Self.url])
            #expect(Set(deliveries.map(\.webhookID)).count == deliveries.count)
            let address = machine.floatingIP?.description
            let addressed = try await cloud.number(
                "SELECT count(*) AS number FROM callback_delivery WHERE host(floating_ip) = \(address)"
            )
            #expect(addressed == deliveries.count - 1)
        }
    }

    @Test("A machine without a callback leaves nothing, and so does a change that is undone")
    func nothing() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.perform(.stop, machine)
            #expect(try await cloud.deliveries().isEmpty)
            var request = cloud.request("many", callingBack: Self.url)
            request.count = 100
            await #expect(throws: MachineRefusal.self) { try await cloud.lifecycle.create(request) }
            #expect(try await cloud.deliveries().isEmpty)
        }
    }

    @Test("A node that falls silent makes it UNKNOWN, and a heartbeat or a new session makes it what it was")
    func silence() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            _ = try await cloud.createOne(cloud.request(callingBack: Self.url))
            try await node.converge()
            for heartbeat in [true, false] {
                try await cloud.execute("UPDATE node_report SET received_at = now() - interval '1 hour'")
                await round(cloud)
                await round(cloud)
                if heartbeat { try await node.report() } else { try await node.openSession() }
            }
            #expect(
                try await told(cloud) == [
                    "createInstance CREATING", "createInstance ACTIVE", "statusChange UNKNOWN", "statusChange ACTIVE",
                    "statusChange UNKNOWN", "statusChange ACTIVE",
                ]
            )
        }
    }

    @Test("A hypervisor that does not answer makes it UNKNOWN once, until it is seen again")
    func lossOfSight() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            _ = try await cloud.createOne(cloud.request(callingBack: Self.url))
            try await node.converge()
            try await node.report(reachable: false)
            try await node.report(reachable: false)
            try await node.converge()
            #expect(try await told(cloud).suffix(2) == ["statusChange UNKNOWN", "statusChange ACTIVE"])
            #expect(try await cloud.deliveries().count == 4)
        }
    }

    @Test("A phase that lasts too long is told as ERROR, a guest that shuts itself down as SHUTOFF")
    func byItself() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne(cloud.request(callingBack: Self.url))
            try await cloud.execute("UPDATE virtual_machine SET deadline_at = now() - interval '1 second'")
            await round(cloud)
            try await node.converge()
            try await node.report([cloud.task(machine).done(power: .stopped, guestShutDown: true)])
            #expect(
                try await told(cloud) == [
                    "createInstance CREATING", "createInstance ERROR", "statusChange ACTIVE", "statusChange SHUTOFF",
                ]
            )
        }
    }

    @Test("A callback that is attached is told what comes; updated, it takes along what waits; deleted, nothing more")
    func urls() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            _ = try await cloud.callbacks.attach(Self.url, to: machine.id, in: cloud.organization)
            try await node.converge()
            #expect(try await cloud.deliveries().isEmpty)
            try await cloud.perform(.stop, machine)
            _ = try await cloud.callbacks.update("https://example.org/", of: machine.id, in: cloud.organization)
            #expect(try await cloud.deliveries().map(\.url) == ["https://example.org/"])
            _ = try await cloud.callbacks.remove(from: machine.id, in: cloud.organization)
            try await node.converge()
            #expect(try await told(cloud) == ["stopInstance STOPPING"])
            #expect(try await cloud.deliveries().map(\.state) == [.cancelled])
        }
    }

    @Test("What came to its end some days ago is forgotten, what waits is not")
    func pruning() async throws {
        try await Cloud.with { cloud in
            try await SpeakingNode("one", in: cloud).converge()
            for name in ["old", "new", "waiting"] {
                _ = try await cloud.createOne(cloud.request(name, callingBack: Self.url))
            }
            // The trigger of updated_at would make it now.
            try await cloud.execute("ALTER TABLE callback_delivery DISABLE TRIGGER touch")
            try await cloud.execute("UPDATE callback_delivery SET state = 'failed' WHERE resource_name = 'new'")
            try await cloud.execute("UPDATE callback_delivery SET state = 'delivered' WHERE resource_name = 'old'")
            try await cloud.execute(
                "UPDATE callback_delivery SET updated_at = now() - interval '4 days' WHERE resource_name <> 'new'"
            )
            await round(cloud)
            #expect(try await cloud.deliveries().map(\.name) == ["new", "waiting"])
        }
    }
}
