// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import HTTPTypes
import Hummingbird
import Postgres

/// `/v1/core/virtual-machines`: virtual machines.
struct VirtualMachineRoutes: Sendable {
    let database: Database
    let lifecycle: MachineLifecycle
    let store: VirtualMachineStore
    let callbacks: CallbackPolicy
    /// How tenants reach the conductor; nil for as they reach it now.
    let publicURL: String?
    let hasImageStore: Bool

    private static let idempotencyKey = HTTPField.Name("idempotency-key")

    func add(to core: RouterGroup<TenantContext>) {
        let machines = core.group("virtual-machines")
        machines.post(use: create)
        machines.get(use: list)
        machines.get("name-availability/:name", use: nameAvailability)
        machines.get("contract/:contract/virtual-machines") { request, _ in
            // Nothing is sold by contract, so that none has machines.
            let paging = try Paging(request)
            return try Response.json(
                InstancesAnswer(page: paging.page, pageSize: paging.pageSize, count: 0, instances: [])
            )
        }
        MachineActionRoutes(store: store, actions: actions).add(to: machines)
    }

    /// All that can be done with a machine, by id, name and label.
    private var actions: [MachineAction] {
        [
            MachineAction(.get, gather: showAll) { _, context in { try await show($0, context) } },
            perform(.delete, .delete) { _ in "Instance is being deleted." },
            // The vendor's clients change power by GET.
            perform(.start, .get, "start") { "VM \($0) is scheduled to start." },
            perform(.stop, .get, "stop") { "VM \($0) is scheduled to stop." },
            perform(.hardReboot, .get, "hard-reboot") { "VM \($0) is scheduled to reboot." },
            MachineAction(.get, "events", gather: eventsOfAll) { _, context in { try await events($0, context) } },
            MachineAction(.put, "label", prepare: setLabels),
        ] + HibernationActions(lifecycle: lifecycle).actions + ResizeActions(lifecycle: lifecycle).actions
            + KeyActions(lifecycle: lifecycle).actions
            + ConsoleActions(lifecycle: lifecycle, store: ConsoleStore(database: database), publicURL: publicURL)
            .actions
            + FloatingIPActions(lifecycle: lifecycle).actions
            + SecurityRuleActions(lifecycle: lifecycle).actions
            + MachineFirewallActions(lifecycle: lifecycle).actions
            + VolumeActions(lifecycle: lifecycle).actions
            + SnapshotActions(lifecycle: lifecycle, hasImageStore: hasImageStore).actions
            + CallbackURLActions(store: CallbackStore(database: database), policy: callbacks).actions
            + SerialLogActions(lifecycle: lifecycle, jobs: MachineJobStore(database: database)).actions
            + MetricActions(store: MachineMetricStore(database: database)).actions
    }

    private func perform(
        _ operation: MachineOperation,
        _ method: HTTPRequest.Method,
        _ path: String = "",
        message: @escaping @Sendable (String) -> String
    ) -> MachineAction {
        MachineAction(method, path) { _, context in
            { id in
                let tenant = context.tenant
                let record = try await lifecycle.perform(operation, on: id, in: tenant.organization, by: tenant.user)
                return MachineOutcome(message(record.name))
            }
        }
    }

    // MARK: - Create

    private func create(_ request: Request, _ context: TenantContext) async throws -> Response {
        let wanted = try CreationRequest(await request.json(CreateInstancesRequest.self), callbacks)
        let claim = try Self.claim(request, wanted)
        let organization = context.tenant.organization
        // A request that is repeated gets its machines even if what it names is gone by now.
        if let claim, let earlier = try await lifecycle.earlier(claim, in: organization) {
            return try Self.answer(earlier)
        }
        let ids = try await wanted.names.resolved(in: organization, database)
        let outcome = try await lifecycle.create(wanted.creation(ids, for: context.tenant, claim))
        return try Self.answer(outcome.machines)
    }

    private static func answer(_ machines: [VirtualMachineRecord]) throws -> Response {
        try .json(CreateInstancesAnswer(instances: machines.map { InstanceBody($0) }))
    }

    private static func claim(_ request: Request, _ wanted: CreationRequest) throws -> IdempotencyClaim? {
        guard let name = idempotencyKey, let key = request.headers[name] else { return nil }
        return IdempotencyClaim(
            key: try TextField.check(key, "Idempotency-Key", maximumLength: 255),
            digest: try wanted.digest()
        )
    }

    // MARK: - Look

    private func show(_ id: VirtualMachineID, _ context: TenantContext) async throws -> MachineOutcome {
        guard let record = try await store.machine(id, in: context.tenant.organization) else {
            throw MachineLifecycle.notFound(id)
        }
        let answer = InstanceAnswer(instance: InstanceBody(record))
        return MachineOutcome(answer.message, answer: answer)
    }

    private func showAll(_ ids: [VirtualMachineID], _ context: TenantContext) async throws -> Response {
        let records = try await store.machines(ids, in: context.tenant.organization)
        return try .json(
            InstancesAnswer(page: nil, pageSize: nil, count: records.count, instances: records.map { InstanceBody($0) })
        )
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request)
        let query = MachineQuery(
            search: request.text("search"),
            environment: request.text("environment"),
            exactEnvironment: try request.flag("exact_environment_match"),
            environments: context.tenant.grant.environments,
            excludedFirewalls: try request.numbers("exclude_firewalls").map { FirewallID($0) },
            page: paging.page ?? 1,
            pageSize: paging.pageSize
        )
        let page = try await store.machines(in: context.tenant.organization, query)
        return try .json(
            InstancesAnswer(
                page: paging.page,
                pageSize: paging.pageSize,
                count: page.count,
                instances: page.machines.map { InstanceBody($0) }
            )
        )
    }

    private func events(_ id: VirtualMachineID, _ context: TenantContext) async throws -> MachineOutcome {
        guard let events = try await store.events(of: id, in: context.tenant.organization) else {
            throw MachineLifecycle.notFound(id)
        }
        let answer = InstanceEventsAnswer(instanceEvents: events.map { InstanceEventBody($0) })
        return MachineOutcome(answer.message, answer: answer)
    }

    /// Machine after machine; one that went meanwhile has none.
    private func eventsOfAll(_ ids: [VirtualMachineID], _ context: TenantContext) async throws -> Response {
        var bodies: [InstanceEventBody] = []
        for id in ids {
            let events = try await store.events(of: id, in: context.tenant.organization)
            bodies += (events ?? []).map { InstanceEventBody($0) }
        }
        return try .json(InstanceEventsAnswer(instanceEvents: bodies))
    }

    private func nameAvailability(_ request: Request, _ context: TenantContext) async throws -> Response {
        let name = try TextField.check(
            context.segment("name"),
            "name",
            maximumLength: MachineNames.maximumLength
        )
        let count = try request.number("count", in: 1...MachineCreation.maximumCount) ?? 1
        let names = try MachineNames.numbered(name, count: count)
        let isFree = try await store.areNamesFree(names, in: context.tenant.organization)
        return try .json(NameAvailabilityBody(name: name, available: isFree))
    }

    // MARK: - Labels

    private func setLabels(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let labels = try CreationRequest.labels(await request.json(LabelsRequest.self).labels)
        return { id in
            let record = try await lifecycle.setLabels(labels, of: id, in: context.tenant.organization)
            let list = record.labels.map { "'\($0)'" }.joined(separator: ", ")
            return MachineOutcome("labels for VM: \(record.name) is set to: [\(list)]")
        }
    }
}

extension InstanceEventBody {
    fileprivate init(_ event: MachineEventRecord) {
        self.init(
            instanceID: event.machineID.rawValue,
            userID: event.userID?.rawValue,
            orgID: event.organizationID.rawValue,
            time: Timestamp(event.createdAt),
            type: event.kind.rawValue,
            reason: event.reason,
            object: event.machineName,
            message: event.message
        )
    }
}
