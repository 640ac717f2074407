// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/organizations/{id}/quota` and the same of environments: how much tenants may have.
struct QuotaRoutes: Sendable {
    let store: QuotaStore

    func add(to admin: RouterGroup<OperatorContext>) {
        add(to: admin.group("organizations/:id/quota")) { .organization(try $0.identifier("organization")) }
        add(to: admin.group("environments/:id/quota")) { .environment(try $0.identifier("environment")) }
    }

    /// What tenants see of it: `/v1/core/quota`.
    func add(to core: RouterGroup<TenantContext>) {
        core.get("quota") { _, context in
            let record = try await store.quota(of: .organization(context.tenant.organization))
            return try Response.json(QuotaBody(record), message: "Getting quota successful")
        }
    }

    private func add(
        to quota: RouterGroup<OperatorContext>,
        of owner: @escaping @Sendable (OperatorContext) throws -> QuotaStore.Owner
    ) {
        quota.get { _, context in
            let record = try await store.quota(of: try owner(context))
            return try Response.json(QuotaBody(record), message: "This is the quota.")
        }
        quota.put { request, context in
            let limits = try QuotaAmounts(await request.json(QuotaLimits.self))
            let record = try await store.set(limits, for: try owner(context))
            return try Response.json(QuotaBody(record), message: "The quota was set.")
        }
    }
}

extension QuotaAmounts {
    private static let range = 0...1_000_000_000

    /// - Throws: ``APIError`` that names the field.
    fileprivate init(_ body: QuotaLimits) throws(APIError) {
        let limits: [(QuotaDimension, Int?)] = [
            (.vms, body.vms), (.vcpus, body.vcpus), (.memory, body.memoryGiB), (.gpus, body.gpus),
            (.volumes, body.volumes), (.volumeGiB, body.volumeGiB), (.floatingIPs, body.floatingIPs),
        ]
        self.init()
        for (dimension, limit) in limits {
            guard let limit else { continue }
            guard Self.range.contains(limit) else {
                throw .invalid(dimension.rawValue, "it is \(limit); it can be 0 to \(Self.range.upperBound).")
            }
            self[dimension] = limit * dimension.unit
        }
    }
}

extension QuotaBody {
    init(_ record: QuotaRecord) {
        func limit(_ dimension: QuotaDimension) -> Int? { record.limits[dimension].map { $0 / dimension.unit } }
        func used(_ dimension: QuotaDimension) -> Int { record.used[dimension, default: 0] }
        self.init(
            limits: QuotaLimits(
                vms: limit(.vms),
                vcpus: limit(.vcpus),
                memoryGiB: limit(.memory),
                gpus: limit(.gpus),
                volumes: limit(.volumes),
                volumeGiB: limit(.volumeGiB),
                floatingIPs: limit(.floatingIPs)
            ),
            used: Used(
                vms: used(.vms),
                vcpus: used(.vcpus),
                memoryGiB: Double(used(.memory)) / Double(QuotaDimension.memory.unit),
                gpus: used(.gpus),
                volumes: used(.volumes),
                volumeGiB: used(.volumeGiB),
                floatingIPs: used(.floatingIPs)
            )
        )
    }
}
