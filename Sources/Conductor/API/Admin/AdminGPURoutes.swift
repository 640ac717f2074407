// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/gpus`: the units of all nodes, and what became of them.
struct AdminGPURoutes: Sendable {
    let store: GPUStore

    /// Of a unit's history.
    private static let maximumUses = 100

    func add(to admin: RouterGroup<OperatorContext>) {
        let gpus = admin.group("gpus")
        gpus.get { request, _ in
            let paging = try Paging(request)
            let page = try await store.units(paging.rows(), try GPUFilter(request))
            return try Response.json(page, paging, message: "These are the GPUs.") { AdminGPUBody($0) }
        }
        gpus.get(":id") { _, context in
            let id: GPUID = try context.identifier("GPU")
            let gpu = try await store.unit(id)
            let uses = try await store.uses(of: id, limit: Self.maximumUses)
            return try Response.json(
                AdminGPUAnswer(
                    message: "This is the GPU.",
                    gpu: AdminGPUBody(gpu),
                    uses: uses.map { GPUUseBody($0) }
                )
            )
        }
        gpus.post(":id/cordon") { request, context in
            let reason = try await request.json(CordonRequest.self).checkedReason
            let gpu = try await store.cordon(try context.identifier("GPU"), reason: reason)
            return try Response.json(AdminGPUBody(gpu), message: "No other machine gets the GPU.")
        }
        gpus.post(":id/uncordon") { _, context in
            let gpu = try await store.uncordon(try context.identifier("GPU"))
            return try Response.json(AdminGPUBody(gpu), message: "Machines get the GPU when it is free.")
        }
        gpus.post(":id/return") { request, context in
            let reason = try await request.json(CordonRequest.self).checkedReason
            let gpu = try await store.returnToHost(try context.identifier("GPU"), reason: reason)
            let message = "The node is asked to give the GPU back to its host's drivers. Uncordon takes it back."
            return try Response.json(AdminGPUBody(gpu), message: message)
        }
        gpus.post(":id/retry") { _, context in
            let gpu = try await store.retry(try context.identifier("GPU"))
            return try Response.json(AdminGPUBody(gpu), message: "The node is asked to clean the GPU anew.")
        }
    }
}

extension GPUFilter {
    /// - Throws: ``APIError`` for what is no state and no id.
    fileprivate init(_ request: Request) throws {
        self.init(
            node: request.text("node"),
            type: request.text("gpu_type"),
            machine: try request.number("vm", in: 1...Int.max).map { VirtualMachineID(Int64($0)) }
        )
        guard let text = request.text("state") else { return }
        guard let state = GPURecord.State(rawValue: text) else {
            let states = GPURecord.State.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError.invalid("state", "“\(text)” is none of \(states).")
        }
        self.state = state
    }
}

extension AdminGPUBody {
    init(_ record: GPURecord) {
        self.init(
            id: record.id.rawValue,
            node: record.node.description,
            region: record.regionName,
            address: record.address.description,
            model: record.model,
            gpuType: record.type,
            numaNode: record.numaNode,
            iommuGroup: record.iommuGroup,
            functions: record.functions.map { Function(address: $0.address.description, pciID: $0.pciID) },
            partitions: record.partitions.map { Partition(id: $0.id, size: $0.size, active: $0.active) },
            state: record.state.rawValue,
            present: record.isPresent,
            cordoned: record.cordoned,
            cordonReason: record.cordonReason,
            returned: record.isReturned,
            reason: record.reason,
            claim: record.claim,
            cleaning: record.cleaning,
            virtualMachineID: record.machineID?.rawValue,
            virtualMachineName: record.machineName,
            orphanID: record.orphanID?.rawValue,
            createdAt: Timestamp(record.createdAt),
            updatedAt: Timestamp(record.updatedAt)
        )
    }
}

extension GPUUseBody {
    fileprivate init(_ record: GPUUseRecord) {
        self.init(
            claim: record.claim,
            virtualMachineID: record.machineID?.rawValue,
            virtualMachineName: record.machineName,
            organizationID: record.organizationID?.rawValue,
            organizationName: record.organizationName,
            startedAt: Timestamp(record.startedAt),
            releasedAt: record.releasedAt.map { Timestamp($0) },
            cleanedAt: record.cleanedAt.map { Timestamp($0) },
            cleaning: record.cleaning,
            faultyAt: record.faultyAt.map { Timestamp($0) },
            fault: record.fault
        )
    }
}
