// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Placement
import Postgres

/// The transaction that makes the machines of one request, or none of them.
struct MachineCreator {
    let creation: MachineCreation
    let limits: PhaseTimeLimits
    let transaction: Transaction

    func run() throws -> MachineCreationOutcome {
        if let claim = creation.idempotency,
            let earlier = try IdempotencyStore.take(claim, for: creation.organization, transaction)
        {
            let machines = try VirtualMachineStore.records(earlier, transaction)
            return MachineCreationOutcome(machines: machines, repeated: true)
        }
        let context = try CreationContext.load(creation, transaction)
        let uuids = (0..<creation.count).map { _ in MachineUUID() }
        let choices = try place(uuids, context)
        let names = try creation.name.map { try MachineNames.numbered($0, count: creation.count) }
        let machines = zip(uuids, choices).enumerated()
            .map { index, place in
                let name = names?[index] ?? MachineNames.memorable(place.0)
                return NewMachine(uuid: place.0, name: name, choice: place.1)
            }
        let made = try write(machines, context)
        if let profile = creation.profile { _ = try transaction.query(profile.insertion(for: creation.organization)) }
        if let claim = creation.idempotency {
            try IdempotencyStore.record(made.map(\.id), under: claim, for: creation.organization, transaction)
        }
        return MachineCreationOutcome(machines: made, repeated: false)
    }

    private func quota(for count: Int, _ context: CreationContext) -> QuotaCheck {
        let resources = context.request.resources
        return QuotaCheck(
            creation.organization,
            creation.environment,
            asked: [
                .vms: count, .vcpus: count * resources.vcpus, .memory: count * resources.memoryMiB,
                .gpus: count * (context.request.gpus?.count ?? 0),
                .floatingIPs: creation.assignFloatingIP ? count : 0,
            ]
            .merging((context.boot?.added ?? [:]).mapValues { $0 * count }) { $1 }
        )
    }

    /// Finds a place for each machine.
    private func place(_ uuids: [MachineUUID], _ context: CreationContext) throws -> [NodeChoice] {
        let search = CapacitySearch(
            region: context.region,
            request: context.request,
            reachable: try context.boot?.need.nodes(transaction)
        )
        let seeds = uuids.map { PlacementSeed($0) }
        // As many nodes as there are machines always suffice, and fewer rows than asked for are all there are.
        let candidates = try search.candidates(from: seeds[0], limit: max(8, uuids.count), transaction)
        let choices = Placement.plan(for: context.request, among: candidates, seeds: seeds)
        guard choices.count == uuids.count else {
            throw try CapacityShortage.count(search, transaction)
                .refusal(
                    flavor: context.flavorName,
                    region: context.regionName,
                    placed: choices.count,
                    count: uuids.count
                )
        }
        return choices
    }

    /// Writes the machines, claims the nodes and reads the machines back, in one round trip.
    ///
    /// Nodes are claimed last, so that their rows are locked for the shortest time. Where GPUs are claimed too, nodes come
    /// first, as everywhere that locks both.
    private func write(_ machines: [NewMachine], _ context: CreationContext) throws -> [VirtualMachineRecord] {
        let claims = Dictionary(grouping: machines, by: \.choice.node).sorted { $0.key < $1.key }
            .map { node, machines in
                let amount = machines.reduce(Resources.zero) { total, _ in total + context.request.resources }
                return CapacitySearch.claim(amount, of: node)
            }
        let quota = context.hasQuota ? self.quota(for: machines.count, context) : nil
        let early = context.request.gpus == nil ? [] : claims
        let late = context.request.gpus == nil ? claims : []
        var results =
            try
            transaction.together(
                (quota?.statements ?? []) + early + machines.map { statement($0, context) }
                    + bootVolumes(of: machines, context) + callbacks(of: machines) + late
                    + VirtualMachineStore.statements(of: machines.map(\.uuid))
            )[...]
        if let quota {
            try quota.verify(results.prefix(quota.statements.count).map(\.rows))
            results = results.dropFirst(quota.statements.count)
        }
        let claimed = results.prefix(early.count) + results.dropLast(2).suffix(late.count)
        guard claimed.allSatisfy({ $0.affected == 1 }) else { throw CapacitySearch.ClaimLost() }
        results = results.dropFirst(early.count)
        let ids = try zip(machines, results).map { try id(of: $0, $1.rows, context) }
        let records = try VirtualMachineStore.records(results.suffix(2))
        return ids.compactMap { records[$0] }
    }

    private func bootVolumes(of machines: [NewMachine], _ context: CreationContext) -> [SQL] {
        machines.compactMap { context.boot?.attach(to: $0.uuid, on: $0.choice.node, creation) }
    }

    private func callbacks(of machines: [NewMachine]) -> [SQL] {
        creation.callbackURL == nil ? [] : [StatusCallback.afterCreation(of: machines.map(\.uuid))]
    }

    /// Checks that a machine got all that it needs, and says which it became.
    private func id(
        of machine: NewMachine,
        _ rows: [Row],
        _ context: CreationContext
    ) throws -> VirtualMachineID {
        guard let row = rows.first else { throw CapacitySearch.ClaimLost() }
        guard try row["gpus"] == machine.choice.gpus.count else { throw CapacitySearch.ClaimLost() }
        guard try row["private_addresses"] == 1 else {
            throw MachineRefusal(
                .noPrivateAddress,
                "The network of environment \(context.environmentName) has no free address left; delete machines of it "
                    + "or use another environment."
            )
        }
        guard try row["floating_ips"] == (creation.assignFloatingIP ? 1 : 0) else {
            throw MachineRefusal(
                .noFloatingIP,
                "Region \(context.regionName) has no free floating IP; delete one that is not needed, or create the "
                    + "machine with assign_floating_ip false."
            )
        }
        return try row["id"]
    }

    /// Writes one machine with all that belongs to it.
    private func statement(_ machine: NewMachine, _ context: CreationContext) -> SQL {
        let rules = SecurityRule.defaults + creation.securityRules
        return """
            WITH vm AS (
                INSERT INTO virtual_machine (uuid, organization_id, environment_id, created_by, name, hostname,
                    image_id, flavor_id, vcpus, memory_mib, disk_gib, gpu_type, gpu_count, user_data, callback_url,
                    assign_floating_ip, floating_ip_attaching, enhanced_metrics, volumes_changing, mac, desired,
                    node_id, phase, deadline_at)
                VALUES (\(machine.uuid), \(creation.organization), \(creation.environment), \(creation.user),
                    \(machine.name), \(MachineNames.hostname(for: machine.name)), \(creation.image),
                    \(creation.flavor), \(context.request.resources.vcpus), \(context.request.resources.memoryMiB),
                    \(context.ownDiskGiB), \(context.request.gpus?.type ?? ""),
                    \(context.request.gpus?.count ?? 0), \(creation.userData), \(creation.callbackURL),
                    \(creation.assignFloatingIP), \(creation.assignFloatingIP), \(creation.hasEnhancedMetrics),
                    \(context.boot != nil), \(MACAddress(localFor: machine.uuid)), 'running', \(machine.choice.node),
                    'creating', now() + make_interval(secs => \(limits.creating.seconds)))
                RETURNING id
            ), free_private AS MATERIALIZED (
                SELECT environment_id, address FROM private_address
                WHERE environment_id = \(creation.environment) AND vm_id IS NULL AND orphan_id IS NULL
                ORDER BY updated_at LIMIT 1 FOR UPDATE SKIP LOCKED
            ), private AS (
                UPDATE private_address a SET vm_id = vm.id FROM vm, free_private f
                WHERE a.environment_id = f.environment_id AND a.address = f.address RETURNING 1
            ), free_floating AS MATERIALIZED (
                SELECT f.id FROM (
                    SELECT id FROM floating_ip_pool
                    WHERE \(creation.assignFloatingIP) AND region_id = \(context.region) ORDER BY id
                ) AS pool, \(raw: AddressStore.firstFreeFloatingIP)
            ), floating AS (
                UPDATE floating_ip a SET vm_id = vm.id FROM vm, free_floating f WHERE a.id = f.id RETURNING 1
            ), gpus AS (
                UPDATE gpu_device d SET state = 'allocated', vm_id = vm.id, claim = d.claim + 1 FROM vm
                WHERE d.id = ANY (\(machine.choice.gpus)::bigint[]) AND d.schedulable RETURNING 1
            ), keys AS (
                INSERT INTO vm_key_binding (vm_id, position, key_id, name, public_key)
                SELECT vm.id, asked.position, key.id, key.name, rtrim(key.public_key, E'\\r\\n')
                FROM vm, unnest(\(creation.keys)::bigint[]) WITH ORDINALITY AS asked (id, position)
                    JOIN key ON key.id = asked.id
            ), labels AS (
                INSERT INTO vm_label (vm_id, label)
                SELECT vm.id, label FROM vm, unnest(\(creation.labels)::text[]) AS label
                ON CONFLICT DO NOTHING
            ), rules AS (
                INSERT INTO security_rule (vm_id, direction, ethertype, protocol, remote, port_min, port_max)
                SELECT vm.id, rule.* FROM vm, unnest(\(rules.map(\.direction))::text[],
                    \(rules.map(\.etherType))::text[], \(rules.map(\.protocol))::text[],
                    \(rules.map(\.remote))::cidr[], \(rules.map { $0.ports.map { Int($0.lowerBound) } })::integer[],
                    \(rules.map { $0.ports.map { Int($0.upperBound) } })::integer[]) AS rule
            ), task AS (
                INSERT INTO task_outbox (node_id, vm_id, request_id)
                SELECT \(machine.choice.node), vm.id, \(RequestID.current)::text FROM vm
            ), event AS (
                INSERT INTO vm_event (vm_id, organization_id, user_id, type, reason, message)
                SELECT vm.id, \(creation.organization), \(creation.user), 'normal',
                    \(MachineEvent.Reason.creationRequest), \("Instance \(machine.name) Creation Request Sent.")
                FROM vm
            )
            SELECT vm.id, (SELECT count(*) FROM private) AS private_addresses,
                (SELECT count(*) FROM floating) AS floating_ips, (SELECT count(*) FROM gpus) AS gpus
            FROM vm
            """
    }
}

/// A machine that has a place and is not written yet.
private struct NewMachine {
    let uuid: MachineUUID
    let name: String
    let choice: NodeChoice
}
