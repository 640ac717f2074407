// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryProtocol
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Postgres
import Testing

@Suite("The routes that agents call")
struct NodeRoutesTests {
    private func with(_ body: @Sendable (Cloud, any TestClientProtocol) async throws -> Void) async throws {
        // The fixture's nodes have their own name as key.
        try await TestAPI.with { api in
            try await api.cloud.addNode("two")
            try await body(api.cloud, api.client)
        }
    }

    private static let session = NodeSessionRequest(
        bootID: "b",
        hostname: "one",
        inventory: NodeInventory(
            total: Resources(vcpus: 4, memoryMiB: 8192, diskGiB: 100),
            reserved: Resources(vcpus: 1, memoryMiB: 1024, diskGiB: 10),
            virtType: "qemu",
            hypervisorVersion: "7.2.0",
            agentVersion: "1",
            gpus: []
        ),
        machines: []
    )

    private static func headers(_ key: String, tag: String? = nil) -> HTTPFields {
        var headers: HTTPFields = [.authorization: "Bearer \(key)"]
        headers[.ifNoneMatch] = tag
        return headers
    }

    private static func body(_ value: some Encodable) throws -> ByteBuffer {
        ByteBuffer(bytes: try NodeJSON.encoder.encode(value))
    }

    @Test("An agent opens a session, asks what is wanted, reports, and gets the same only when it changed")
    func path() async throws {
        try await with { cloud, client in
            let session = try await client.execute(
                uri: "/v1/internal/nodes/one/sessions",
                method: .post,
                headers: Self.headers("one"),
                body: try Self.body(Self.session)
            ) { response in
                #expect(response.status == .ok)
                return try NodeJSON.decoder.decode(NodeSession.self, from: Data(response.body.readableBytesView))
            }
            #expect(session.epoch == 1)
            try await cloud.execute("UPDATE compute_node SET cordoned = true WHERE name = 'two'")
            let machine = try await cloud.createOne()
            let tag = try await client.execute(
                uri: "/v1/internal/nodes/one/desired",
                method: .get,
                headers: Self.headers("one", tag: "\"0\"")
            ) { response in
                let state = try NodeJSON.decoder.decode(DesiredState.self, from: Data(response.body.readableBytesView))
                #expect(state.machines.map(\.uuid) == [machine.uuid])
                return try #require(response.headers[.eTag])
            }
            try await client.execute(
                uri: "/v1/internal/nodes/one/desired",
                method: .get,
                headers: Self.headers("one", tag: tag)
            ) { response in
                #expect(response.status == .notModified)
            }
            let report = NodeReport(
                epoch: session.epoch,
                bootID: "b",
                sequence: 1,
                collectedAt: Date(),
                complete: true,
                hypervisorReachable: true,
                machines: [try await cloud.task(machine).done()],
                inventory: nil,
                problems: []
            )
            try await client.execute(
                uri: "/v1/internal/nodes/one/reports",
                method: .post,
                headers: Self.headers("one"),
                body: try Self.body(report)
            ) { response in
                let receipt = try NodeJSON.decoder.decode(
                    ReportReceipt.self,
                    from: Data(response.body.readableBytesView)
                )
                #expect("\"\(receipt.revision)\"" == tag)
            }
            #expect(try await cloud.now(machine)?.status == .active)
        }
    }

    @Test("A wrong key, another node's key, an old epoch, and a body that is none are told apart")
    func refusals() async throws {
        try await with { cloud, client in
            let cases: [(String, String?, ByteBuffer, HTTPResponse.Status)] = [
                ("sessions", nil, try Self.body(Self.session), .unauthorized),
                ("sessions", "two", try Self.body(Self.session), .unauthorized),
                ("sessions", "one", ByteBuffer(string: "{"), .badRequest),
                (
                    "reports", "one",
                    try Self.body(
                        NodeReport(
                            epoch: -1,
                            bootID: "b",
                            sequence: 1,
                            collectedAt: Date(),
                            complete: true,
                            hypervisorReachable: true,
                            machines: [],
                            inventory: nil,
                            problems: []
                        )
                    ), .conflict
                ),
            ]
            for (path, key, body, status) in cases {
                try await client.execute(
                    uri: "/v1/internal/nodes/one/\(path)",
                    method: .post,
                    headers: key.map { Self.headers($0) } ?? [:],
                    body: body
                ) { response in
                    #expect(response.status == status)
                }
            }
        }
    }
}
