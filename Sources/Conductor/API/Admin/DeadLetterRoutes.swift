// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/dead-letters`: messages that no node took.
struct DeadLetterRoutes: Sendable {
    let store: DeadLetterStore

    func add(to admin: RouterGroup<OperatorContext>) {
        let letters = admin.group("dead-letters")
        letters.get { request, _ in
            let paging = try Paging(request, maximumSize: 100, whole: false)
            let page = try await store.letters(paging.rows())
            return try Response.json(page, paging, message: "These are the dead letters, newest first.") {
                DeadLetterBody($0)
            }
        }
        letters.delete(":id") { _, context in
            let id: DeadLetterID = try context.identifier("dead letter")
            guard try await store.remove(id) else {
                throw ResourceRefusal(.notFound, "Dead letter \(id) does not exist.")
            }
            return try Response.json(message: "The dead letter was deleted.")
        }
    }
}

extension DeadLetterBody {
    fileprivate init(_ record: DeadLetterRecord) {
        self.init(
            id: record.id.rawValue,
            queue: record.queue,
            reason: record.reason,
            body: record.body,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
