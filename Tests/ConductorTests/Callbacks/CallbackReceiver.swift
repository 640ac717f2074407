// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import GantryTestSupport
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// A receiver of callbacks: a real server on loopback, which keeps what it is sent and answers as a test says.
final class CallbackReceiver: Sendable {
    /// One POST.
    struct Received: Sendable {
        let path: String
        /// The Host header.
        let host: String?
        let headers: HTTPFields
        let body: Data

        var message: CallbackBody? { try? RESTJSON.decoder.decode(CallbackBody.self, from: body) }
        var status: String { message?.data.status ?? "?" }
        var id: String { self["webhook-id"] ?? "?" }

        /// Waits until the test is over: a server does not end before its answers.
        let hold: @Sendable () async -> Void

        subscript(name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
    }

    /// What it answers to a POST, of which so many came before.
    typealias Answer = @Sendable (_ received: Received, _ earlier: Int) async throws -> Response

    private let posts = Mutex<[Received]>([])
    private let listening = Mutex<Int?>(nil)
    private let over = Atomic(false)
    private let answer: Answer

    var received: [Received] { posts.withLock { $0 } }

    private init(_ answer: @escaping Answer) {
        self.answer = answer
    }

    /// The port, once it listens.
    func port() async throws -> Int {
        try await eventually("the receiver listens") { listening.withLock { $0 } }
    }

    func url(_ path: String = "/hook") async throws -> String { "http://127.0.0.1:\(try await port())\(path)" }

    /// Lends a receiver that answers 204 unless the test says otherwise.
    static func with(
        _ answer: @escaping Answer = { _, _ in Response(status: .noContent) },
        _ body: (CallbackReceiver) async throws -> Void
    ) async throws {
        let receiver = CallbackReceiver(answer)
        let router = Router()
        router.post("**") { request, _ in
            let body = try await request.body.collect(upTo: 1 << 20)
            let post = Received(
                path: request.head.path ?? "",
                host: request.head.authority,
                headers: request.headers,
                body: Data(body.readableBytesView),
                hold: { await receiver.hold() }
            )
            let earlier = receiver.posts.withLock { posts in
                posts.append(post)
                return posts.count - 1
            }
            return try await receiver.answer(post, earlier)
        }
        let server = Application(
            router: router,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in receiver.listening.withLock { $0 = channel.localAddress?.port } },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withServices([server]) {
            defer { receiver.over.store(true, ordering: .relaxed) }
            try await body(receiver)
        }
    }

    private func hold() async {
        while !over.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(20)) }
    }
}
