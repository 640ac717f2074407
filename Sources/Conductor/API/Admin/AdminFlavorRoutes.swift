// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/flavors`: flavors. One is not changed, but deleted and made anew.
struct AdminFlavorRoutes: Sendable {
    let store: FlavorStore
    let regions: RegionStore

    func add(to admin: RouterGroup<OperatorContext>) {
        let flavors = admin.group("flavors")
        flavors.get { request, _ in
            let paging = try Paging(request)
            let page = try await store.flavors(
                paging.rows(search: request.text("search")),
                region: try await regions.id(in: request)
            )
            return try Response.json(page, paging, message: "These are the flavors.") { AdminFlavorBody($0) }
        }
        flavors.post { request, _ in
            let flavor = try NewFlavor(await request.json(CreateFlavorRequest.self))
            let record = try await store.create(flavor)
            return try Response.json(AdminFlavorBody(record), message: "The flavor was created.")
        }
        flavors.get(":id") { _, context in
            let record = try await store.flavor(try context.identifier("flavor"))
            return try Response.json(AdminFlavorBody(record), message: "This is the flavor.")
        }
        flavors.delete(":id") { _, context in
            try await store.remove(try context.identifier("flavor"))
            return try Response.json(message: "The flavor was deleted; machines made from it stay.")
        }
    }
}

extension NewFlavor {
    private static let maximumNameLength = 50
    private static let maximumGPUTypeLength = 100

    /// - Throws: ``APIError`` that names the field.
    fileprivate init(_ body: CreateFlavorRequest) throws(APIError) {
        let gpuType = try TextField.optional(body.gpuType, "gpu_type", maximumLength: Self.maximumGPUTypeLength) ?? ""
        self.init(
            region: body.region,
            name: try TextField.check(body.name, "name", maximumLength: Self.maximumNameLength),
            resources: Resources(
                vcpus: try Self.amount(body.vcpus, "vcpus", 1...1024),
                memoryMiB: try Self.amount(body.memoryMiB, "memory_mib", 64...33_554_432),
                diskGiB: try Self.amount(body.diskGiB, "disk_gib", 1...1_048_576)
            ),
            gpuType: gpuType,
            gpuCount: try Self.amount(body.gpuCount ?? 0, "gpu_count", 0...64),
            stopPolicy: try body.stopPolicy.map(Self.stopPolicy) ?? .keep
        )
        guard gpuType.isEmpty == (gpuCount == 0) else {
            throw .invalid("gpu_count", "a type of GPU and a number of them belong together; give both or neither.")
        }
    }

    private static func stopPolicy(_ text: String) throws(APIError) -> StopPolicy {
        guard let policy = StopPolicy(rawValue: text) else {
            throw .invalid("stop_policy", "“\(text)” is neither keep nor release.")
        }
        return policy
    }

    private static func amount(_ value: Int, _ field: String, _ range: ClosedRange<Int>) throws(APIError) -> Int {
        guard range.contains(value) else {
            throw .invalid(field, "it is \(value); it can be \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }
}

extension AdminFlavorBody {
    fileprivate init(_ record: FlavorRecord) {
        self.init(
            id: record.id.rawValue,
            region: record.regionName,
            name: record.name,
            vcpus: record.resources.vcpus,
            memoryMiB: record.resources.memoryMiB,
            diskGiB: record.resources.diskGiB,
            gpuType: record.gpuType,
            gpuCount: record.gpuCount,
            stopPolicy: record.stopPolicy.rawValue,
            virtualMachineCount: record.machineCount,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
