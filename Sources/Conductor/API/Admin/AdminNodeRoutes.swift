// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/nodes`: compute nodes, by name.
struct AdminNodeRoutes: Sendable {
    let store: NodeStore
    let registry: NodeRegistry
    let regions: RegionStore
    let drains: NodeDrain
    let deaths: NodeDeath

    func add(to admin: RouterGroup<OperatorContext>) {
        let nodes = admin.group("nodes")
        nodes.get(use: list)
        nodes.get(":name", use: show)
        nodes.delete(":name", use: remove)
        nodes.get(":name/virtual-machines", use: listMachines)
        nodes.post(":name/cordon", use: cordon)
        nodes.post(":name/uncordon", use: uncordon)
        nodes.post(":name/drain", use: drain)
        nodes.post(":name/declare-dead", use: declareDead)
        nodes.put(":name/ratios", use: setRatios)
        nodes.post(":name/rotate-credentials", use: rotate)
        nodes.post(":name/revoke-credentials", use: revoke)
        nodes.post(":name/forget-host", use: forgetHost)
    }

    // MARK: - Look

    private func list(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let paging = try Paging(request)
        let page = try await store.nodes(
            paging.rows(search: request.text("search")),
            region: try await regions.id(in: request)
        )
        return try .json(page, paging, message: "These are the nodes.") { NodeBody($0) }
    }

    private func show(_ request: Request, _ context: OperatorContext) async throws -> Response {
        try await answer(try context.node, message: "This is the node.")
    }

    private func answer(_ name: NodeName, message: String) async throws -> Response {
        guard let record = try await store.node(name) else {
            throw NodeRefusal(.notFound, "There is no node named \(name).")
        }
        return try .json(NodeBody(record), message: message)
    }

    private func listMachines(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let (name, paging) = (try context.node, try Paging(request))
        guard let page = try await store.machines(of: name, paging.rows(search: request.text("search"))) else {
            throw NodeRefusal(.notFound, "There is no node named \(name).")
        }
        return try .json(page, paging, message: "These are the node's machines.") { NodeMachineBody($0) }
    }

    // MARK: - Secrets and removal

    private func rotate(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let name = try context.node
        try await registry.requestRotation(of: name)
        return try await answer(
            name,
            message: "The node's agent makes new secrets when it reports next; the old ones end when it uses them."
        )
    }

    private func revoke(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let name = try context.node
        try await registry.revoke(name)
        return try await answer(name, message: "The node's secrets have ended. Its host has to join again.")
    }

    private func remove(_ request: Request, _ context: OperatorContext) async throws -> Response {
        try await registry.remove(try context.node)
        return try .json(message: "The node was removed.")
    }

    // MARK: - Change

    private func cordon(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let body = try await request.json(CordonRequest.self)
        let record = try await store.cordon(try context.node, reason: try body.checkedReason)
        return try .json(NodeBody(record), message: "The node takes no new machines.")
    }

    private func uncordon(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let record = try await store.uncordon(try context.node)
        return try .json(NodeBody(record), message: "The node takes new machines when it is up and healthy.")
    }

    private func drain(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let body = try await request.json(DrainRequest.self)
        let name = try context.node
        let record = try await store.drain(name, body.policy, reason: try body.checkedReason)
        // The reconciler does it again when this fails.
        try await drains.advance(record.id)
        return try await answer(name, message: "The node takes no new machines, and is drained. Uncordon ends it.")
    }

    private func declareDead(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let body = try await request.json(DeclareDeadRequest.self)
        let name = try context.node
        guard body.confirm == name.description else {
            throw APIError(
                .badRequest,
                "confirm: it has to be the node's name, \(name). By it you say that its host is off, or can reach neither "
                    + "network nor shared storage, and stays so: its machines start elsewhere."
            )
        }
        try await deaths.declare(name, fencedBy: try body.checkedFencedBy)
        return try await answer(name, message: "The node was declared dead.")
    }

    private func setRatios(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let ratios = try OvercommitRatios(await request.json(RatiosBody.self))
        let record = try await store.setRatios(ratios, of: try context.node)
        return try .json(NodeBody(record), message: "The node's overcommit ratios were set.")
    }

    private func forgetHost(_ request: Request, _ context: OperatorContext) async throws -> Response {
        let record = try await store.forgetHost(of: try context.node)
        return try .json(NodeBody(record), message: "The next host that comes with the node's key is the node.")
    }
}

extension OperatorContext {
    /// The node that the path names.
    fileprivate var node: NodeName {
        get throws {
            let text = segment("name")
            // What can be no name is nobody's name.
            guard let name = try? NodeName(text) else { throw APIError(.notFound, "There is no node named “\(text)”.") }
            return name
        }
    }
}

extension CordonRequest {
    private static let maximumReasonLength = 1000

    /// - Throws: ``APIError`` that names the field.
    var checkedReason: String {
        get throws(APIError) { try TextField.check(reason, "reason", maximumLength: Self.maximumReasonLength) }
    }
}

extension DrainRequest {
    /// - Throws: ``APIError`` that names the field.
    fileprivate var checkedReason: String {
        get throws(APIError) { try CordonRequest(reason: reason).checkedReason }
    }
}

extension DeclareDeadRequest {
    private static let maximumLength = 1000

    /// - Throws: ``APIError`` that names the field.
    fileprivate var checkedFencedBy: String {
        get throws(APIError) { try TextField.check(fencedBy, "fenced_by", maximumLength: Self.maximumLength) }
    }
}

extension NodeMachineBody {
    fileprivate init(_ record: NodeMachineRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            organization: record.organization,
            status: record.status.rawValue,
            resources: record.resources,
            gpuCount: record.gpuCount,
            holdsCompute: record.holdsCompute,
            localState: record.localState,
            drain: record.drain.map { $0.isPending ? "pending" : "stays" },
            drainReason: record.drain?.text
        )
    }
}

extension NodeDrainBody {
    fileprivate init(_ record: NodeDrainRecord) {
        self.init(
            policy: record.policy,
            since: Timestamp(record.since),
            left: record.left,
            staying: record.staying,
            obstacle: record.obstacle,
            finishedAt: record.finishedAt.map { Timestamp($0) }
        )
    }
}

extension OvercommitRatios {
    fileprivate init(_ body: RatiosBody) throws(InvalidValue) {
        try self.init(vcpu: body.vcpu ?? 1, memory: body.memory ?? 1, disk: body.disk ?? 1)
    }
}

extension NodeBody {
    fileprivate init(_ record: NodeRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name.description,
            region: record.regionName,
            hostname: record.hostname,
            state: record.state.rawValue,
            credentials: record.credentials.rawValue,
            schedulable: record.schedulable,
            cordonReason: record.cordonReason,
            cordoned: record.cordoned,
            drain: record.drain.map { NodeDrainBody($0) },
            declaredDeadAt: record.declaredDeadAt.map { Timestamp($0) },
            fencedBy: record.fencedBy,
            healthy: record.healthy,
            problems: record.problems,
            shrunk: record.shrunk,
            unsurveyed: record.unsurveyed,
            virtType: record.virtType,
            hypervisorVersion: record.hypervisorVersion,
            agentVersion: record.agentVersion,
            total: record.total,
            reserved: record.reserved,
            memoryPageMiB: record.memoryPageMiB,
            limit: record.limit,
            allocated: record.allocated,
            ratios: RatiosBody(
                vcpu: record.ratios.vcpu,
                memory: record.ratios.memory,
                disk: record.ratios.disk
            ),
            gpus: record.gpus.map { AdminGPUBody($0) },
            virtualMachineCount: record.machineCount,
            lastReportAt: record.lastReportAt.map { Timestamp($0) },
            bootID: record.bootID,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
