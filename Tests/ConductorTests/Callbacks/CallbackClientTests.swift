// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryTestSupport
import Hummingbird
import NIOCore
import Testing

@Suite("Callbacks go to the address that was looked at, and to no other")
struct CallbackClientTests {
    private static func message(_ url: String, attempt: Int = 1) -> CallbackMessage {
        CallbackMessage(id: "msg_1", url: url, body: Data("{}".utf8), secrets: [], attempt: attempt)
    }

    private static func resolver(_ addresses: String...) -> AddressResolver {
        AddressResolver { _, port in try addresses.map { try SocketAddress(ipAddress: $0, port: port) } }
    }

    @Test(
        "A name that is public by its text and leads to something private is not called",
        arguments: ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1"]
    )
    func rebinding(_ address: String) async throws {
        try await CallbackReceiver.with { receiver in
            let client = CallbackClient(policy: CallbackPolicy(), resolver: Self.resolver("1.1.1.1", address))
            let failure = try await #require(throws: CallbackFailure.self) {
                try await client.post(Self.message("http://hooks.example.com:\(receiver.port())/hook"))
            }
            #expect(failure.description.contains("not public"))
            #expect(receiver.received.isEmpty)
        }
    }

    @Test("What the host's own resolver says is looked at too", arguments: ["localhost", "127.0.0.1", "127.1"])
    func system(_ host: String) async throws {
        try await CallbackReceiver.with { receiver in
            let url = "http://\(host):\(try await receiver.port())/hook"
            let failure = await #expect(throws: CallbackFailure.self) {
                try await CallbackClient(policy: CallbackPolicy()).post(Self.message(url))
            }
            #expect(failure?.description.contains("not public") == true)
            #expect(receiver.received.isEmpty)
            // The same, where it may.
            let client = CallbackClient(policy: CallbackPolicy(allowsPrivate: true), resolver: .system)
            if host != "localhost" { try await client.post(Self.message(url)) }
        }
    }

    @Test("The name stays in the Host header, and nobody resolves it again")
    func host() async throws {
        try await CallbackReceiver.with({ request, _ in
            Response(status: request.host?.hasPrefix("Hooks.example.invalid:") == true ? .ok : .badRequest)
        }) { receiver in
            let client = CallbackClient(
                policy: CallbackPolicy(allowsPrivate: true),
                resolver: Self.resolver("127.0.0.1")
            )
            // No resolver knows names below .invalid.
            try await client.post(Self.message("http://Hooks.example.invalid:\(receiver.port())/hook"))
            #expect(receiver.received.count == 1)
        }
    }

    @Test("Attempts take turns with a name's addresses")
    func turns() async throws {
        try await CallbackReceiver.with { receiver in
            let client = CallbackClient(
                policy: CallbackPolicy(allowsPrivate: true),
                resolver: Self.resolver("127.0.0.2", "127.0.0.1")
            )
            let url = "http://hooks.example.invalid:\(try await receiver.port())/hook"
            await #expect(throws: CallbackFailure.self) { try await client.post(Self.message(url, attempt: 1)) }
            try await client.post(Self.message(url, attempt: 2))
        }
    }

    @Test("A receiver that does not answer is left, and the body of one that never ends is not waited for")
    func bounds() async throws {
        try await CallbackReceiver.with({ post, _ in
            if post.path == "/silent" { await post.hold() }
            let endless = ResponseBody { writer in
                while true { try await writer.write(ByteBuffer(repeating: 0, count: 1 << 16)) }
            }
            return Response(status: .ok, body: endless)
        }) { receiver in
            let client = CallbackClient(
                policy: CallbackPolicy(allowsPrivate: true),
                timeLimit: .milliseconds(500)
            )
            let failure = try await #require(throws: CallbackFailure.self) {
                try await client.post(Self.message(receiver.url("/silent")))
            }
            #expect(failure.description.contains("in time"))
            try await CallbackClient(policy: CallbackPolicy(allowsPrivate: true))
                .post(Self.message(receiver.url("/endless")))
        }
    }

    @Test("A name that nobody knows is said to have no address")
    func unknown() async throws {
        let failure = await #expect(throws: CallbackFailure.self) {
            try await CallbackClient(policy: CallbackPolicy()).post(Self.message("http://nothing.invalid/"))
        }
        #expect(failure?.description.contains("nothing.invalid") == true)
    }
}
