// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/orphans`: machines that only their hosts know of.
struct OrphanRoutes: Sendable {
    let store: OrphanStore

    func add(to admin: RouterGroup<OperatorContext>) {
        let orphans = admin.group("orphans")
        orphans.get { request, _ in
            let paging = try Paging(request, maximumSize: 100, whole: false)
            let page = try await store.orphans(paging.rows())
            return try Response.json(page, paging, message: "These are the orphans, by node.") { OrphanBody($0) }
        }
        orphans.delete(":id") { _, context in
            let record = try await store.remove(try context.identifier("orphan"))
            return try Response.json(
                OrphanBody(record),
                message: "Node \(record.node) takes it down; what it holds is free when the node says that it is gone."
            )
        }
    }
}

extension OrphanBody {
    fileprivate init(_ record: OrphanRecord) {
        self.init(
            id: record.id.rawValue,
            uuid: record.uuid.description,
            node: record.node.description,
            region: record.regionName,
            name: record.name,
            running: record.isRunning,
            resources: record.resources,
            gpus: record.gpus.map(\.description),
            address: record.address?.description,
            mac: record.mac?.description,
            floatingIP: record.floatingIP?.description,
            volumes: record.volumes.map(\.description),
            removing: record.isRemoving,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
