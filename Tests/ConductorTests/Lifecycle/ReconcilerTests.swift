// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryModel
import GantryProtocol
import Logging
import Postgres
import Testing

@Suite("What a reconciler looks after")
struct ReconcilerTests {
    private func round(_ cloud: Cloud) async {
        await Reconciler(database: cloud.database, outbox: cloud.outbox, logger: Logger(label: "test")).round()
    }

    @Test("A phase that lasts too long is an ERROR with its reason, keeps its claims, and heals when it is done")
    func timeLimit() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            await round(cloud)
            #expect(try await cloud.now(machine)?.status == .creating)
            try await cloud.execute("UPDATE virtual_machine SET deadline_at = now() - interval '1 second'")
            await round(cloud)
            let late = try await cloud.now(machine)
            #expect(late?.status == .error)
            #expect(late?.fault?.code == .timeLimit)
            #expect(late?.node?.id == node.identity.id)
            try await cloud.audit()
            let reasons = try await cloud.store.events(of: machine.id, in: cloud.organization)?.map(\.reason)
            #expect(reasons == ["InstanceCreationRequest", "InstanceCreationFailed"])
            await round(cloud)
            try await node.converge()
            #expect(try await cloud.now(machine)?.status == .active)
            #expect(try await cloud.now(machine)?.fault == nil)
        }
    }

    @Test("The time that a start may take grows with the machine's memory, and the reason names it")
    func memory() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.perform(.stop, machine)
            try await node.converge()
            // 150 GiB, as if its flavor had been so large.
            try await cloud.execute("UPDATE virtual_machine SET memory_mib = 153600")
            try await cloud.perform(.start, machine)
            let seconds = try await cloud.number(
                "SELECT extract(epoch FROM deadline_at - phase_since)::integer AS number FROM virtual_machine"
            )
            #expect(seconds == 900)
            try await cloud.execute("UPDATE virtual_machine SET deadline_at = now() - interval '1 second'")
            await round(cloud)
            #expect(try await cloud.now(machine)?.fault?.message.contains("longer than 15 minutes") == true)
        }
    }

    @Test("A node is silent by the interval that its agent was told, whatever the conductors tell the next ones")
    func interval() async throws {
        try await Cloud.with { cloud in
            var slow = NodeIntervals()
            slow.report = 60
            let node = try await SpeakingNode("one", in: cloud)
            for (intervals, silent) in [(slow, 0), (NodeIntervals(), 1)] {
                try await node.openSession(intervals: intervals)
                try await cloud.execute("UPDATE node_report SET received_at = now() - interval '2 minutes'")
                await round(cloud)
                let count = try await cloud.number("SELECT count(*) AS number FROM compute_node WHERE state = 'silent'")
                #expect(count == silent)
            }
        }
    }

    @Test("A node that stops reporting makes its machines UNKNOWN, frees nothing, and comes back by a report")
    func silentNode() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let machine = try await cloud.createOne()
            try await node.converge()
            try await cloud.execute("UPDATE node_report SET received_at = now() - interval '1 hour'")
            await round(cloud)
            #expect(try await cloud.now(machine)?.status == .unknown)
            let refusal = await #expect(throws: MachineRefusal.self) { try await cloud.createOne() }
            #expect(refusal?.message.contains("not reporting: 1") == true)
            try await cloud.perform(.delete, machine)
            try await cloud.execute("UPDATE virtual_machine SET deadline_at = now() - interval '1 second'")
            await round(cloud)
            await round(cloud)
            let waiting = try await cloud.now(machine)
            #expect(waiting?.status == .deleting)
            #expect(waiting?.fault?.code == .nodeSilent)
            let failures = try await cloud.store.events(of: machine.id, in: cloud.organization)?
                .count { $0.reason == "InstanceDeleteFailed" }
            #expect(failures == 1)
            try await cloud.audit()
            try await node.converge()
            #expect(try await cloud.now(machine) == nil)
            _ = try await cloud.createOne()
            try await cloud.audit()
        }
    }

    @Test("A node that has not begun after a while is told again, and not more often than that")
    func resend() async throws {
        try await Cloud.with { cloud in
            _ = try await SpeakingNode("one", in: cloud)
            _ = try await cloud.createOne()
            try await cloud.execute("DELETE FROM task_outbox")
            await round(cloud)
            #expect(try await cloud.outboxCount == 0)
            try await cloud.execute("UPDATE virtual_machine SET phase_since = now() - interval '2 minutes'")
            await round(cloud)
            #expect(try await cloud.outboxCount == 1)
            try await cloud.execute("DELETE FROM task_outbox")
            await round(cloud)
            #expect(try await cloud.outboxCount == 0)
        }
    }

    @Test("A machine that left its node while no process was there to place it is placed")
    func unplaced() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let machine = try await cloud.createOne()
            try await cloud.addNode("two")
            // As the report's transaction leaves it when the process dies right after its commit.
            try await cloud.execute("UPDATE virtual_machine SET tried_nodes = ARRAY[node_id], node_id = NULL")
            try await cloud.execute(
                "UPDATE compute_node SET allocated_vcpus = 0, allocated_memory_mib = 0, allocated_disk_gib = 0"
            )
            await round(cloud)
            #expect(try await cloud.now(machine)?.node?.name.description == "two")
            try await cloud.audit()
        }
    }

    @Test("Old rows go, young ones stay")
    func prune() async throws {
        try await Cloud.with { cloud in
            let node = try await SpeakingNode("one", in: cloud)
            let old = try await cloud.createOne()
            let young = try await cloud.createOne()
            for machine in [old, young] { try await cloud.perform(.delete, machine) }
            try await node.converge()
            try await cloud.execute(
                "UPDATE virtual_machine SET deleted_at = now() - interval '100 days' WHERE id = \(old.id)"
            )
            for key in ["old", "young"] {
                try await cloud.execute(
                    """
                    INSERT INTO idempotency_key (organization_id, key, request_digest, vm_ids, created_at)
                    VALUES (\(cloud.organization), \(key), sha256(''), '{}',
                        now() - CASE WHEN \(key == "old") THEN interval '2 days' ELSE interval '1 hour' END)
                    """
                )
            }
            try await cloud.addNode("two", gpus: [0, 0])
            try await cloud.execute("UPDATE gpu_device SET claim = 2, state = 'faulty' WHERE address LIKE '%:01:%'")
            try await cloud.execute("UPDATE gpu_use SET created_at = now() - interval '366 days'")
            try await cloud.execute("UPDATE gpu_device SET claim = 3 WHERE claim = 2")
            await round(cloud)
            #expect(try await cloud.number("SELECT count(*) AS number FROM gpu_use WHERE claim = 3") == 1)
            // The newest of the other, however old, is what is known of it now.
            #expect(try await cloud.number("SELECT count(*) AS number FROM gpu_use") == 2)
            #expect(try await cloud.number("SELECT count(*) AS number FROM virtual_machine") == 1)
            #expect(try await cloud.number("SELECT count(*) AS number FROM idempotency_key") == 1)
        }
    }

    /// Deletes a snapshot of the machine, and an image of it, `days` ago.
    private func deleted(_ name: String, of machine: VirtualMachineRecord, days: Int, _ cloud: Cloud) async throws {
        try await cloud.execute(
            """
            WITH snapshot AS (
                INSERT INTO snapshot (uuid, organization_id, region_id, name, vm_id, vm_name, flavor_id, base_image_id,
                    key_ids, has_floating_ip, job_id, state, size_gib, deleted_at)
                SELECT gen_random_uuid(), organization_id, \(cloud.region), \(name), id, name, flavor_id, image_id, '{}',
                    false, 1, 'deleted', 1, now() - make_interval(days => \(days))
                FROM virtual_machine WHERE id = \(machine.id) RETURNING id, deleted_at
            )
            INSERT INTO image (region_id, listed, snapshot_id, name, url, sha256, format, deleted_at)
            SELECT \(cloud.region), false, id, \(name), 'store:', \(String(repeating: "a", count: 64)), 'qcow2', deleted_at
            FROM snapshot
            """
        )
    }

    private func names(_ table: StaticString, _ cloud: Cloud) async throws -> [String] {
        try await cloud.database.read { transaction in
            try transaction.query("SELECT name FROM \(raw: table) ORDER BY name").map { try $0["name"] }
        }
    }

    @Test(
        "A deleted image goes when no machine, volume or snapshot began as it, a snapshot when its file and images have"
    )
    func imagesAndSnapshots() async throws {
        try await Cloud.with { cloud in
            try await cloud.addNode("one")
            let machine = try await cloud.createOne()
            try await deleted("old", of: machine, days: 100, cloud)
            try await deleted("young", of: machine, days: 10, cloud)
            try await deleted("used", of: machine, days: 100, cloud)
            try await deleted("kept", of: machine, days: 100, cloud)
            try await cloud.execute(
                "UPDATE virtual_machine SET image_id = (SELECT id FROM image WHERE name = 'used') WHERE id = \(machine.id)"
            )
            try await cloud.execute("UPDATE snapshot SET bytes = 1 WHERE name = 'kept'")
            await round(cloud)
            #expect(try await names("image", cloud) == ["micro", "used", "young"])
            #expect(try await names("snapshot", cloud) == ["kept", "used", "young"])

            // What the machine began as stays for the snapshots of it.
            try await cloud.execute("UPDATE image SET deleted_at = now() - interval '100 days' WHERE name = 'micro'")
            try await cloud.execute("UPDATE virtual_machine SET image_id = (SELECT id FROM image WHERE name = 'young')")
            await round(cloud)
            #expect(try await names("image", cloud) == ["micro", "young"])
            #expect(try await names("snapshot", cloud) == ["kept", "young"])
            try await cloud.execute("UPDATE snapshot SET bytes = 0, deleted_at = now() - interval '100 days'")
            await round(cloud)
            #expect(try await names("image", cloud) == ["micro", "young"])
            #expect(try await names("snapshot", cloud) == ["young"])
        }
    }
}
