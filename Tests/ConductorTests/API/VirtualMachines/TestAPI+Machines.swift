// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

extension TestAPI {
    static let machines = "/v1/core/virtual-machines"

    /// The body of a create that is accepted, with some fields set to other values or, as nil, left out.
    static func creation(_ changes: [String: (any Sendable)?] = [:]) throws -> String {
        var fields: [String: any Sendable] = [
            "name": "web", "environment_name": "default", "image_name": "micro", "flavor_name": "small",
            "key_names": ["laptop"], "count": 1,
        ]
        for (field, value) in changes { fields[field] = value }
        return String(decoding: try JSONSerialization.data(withJSONObject: fields), as: UTF8.self)
    }

    /// Makes machines of which nothing is refused.
    func create(
        _ changes: [String: (any Sendable)?] = [:],
        headers: [String: String] = [:]
    ) async throws
        -> [InstanceBody]
    {
        let answer = try await call(.post, Self.machines, Self.creation(changes), headers: headers)
        #expect(answer.status == .ok, "\(answer)")
        return try answer.decoded(CreateInstancesAnswer.self).instances
    }

    /// How many rows a request has left in any table that one may leave rows in.
    func leftovers() async throws -> Int {
        try await cloud.number(
            """
            SELECT (SELECT count(*) FROM virtual_machine) + (SELECT count(*) FROM task_outbox)
                + (SELECT count(*) FROM vm_event) + (SELECT count(*) FROM idempotency_key)
                + (SELECT count(*) FROM private_address WHERE vm_id IS NOT NULL)
                + (SELECT count(*) FROM floating_ip WHERE vm_id IS NOT NULL)
                + (SELECT coalesce(sum(allocated_vcpus), 0) FROM compute_node) AS number
            """
        )
    }
}
