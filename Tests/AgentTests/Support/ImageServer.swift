// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A web server on loopback that does as a test says, down to hanging up in the middle. One connection, one request.
final class ImageServer: Sendable {
    struct Request: Sendable {
        let method: String
        let path: String
        /// What came of its body.
        let body: Data
        /// The first byte that is asked for, with a `Range`.
        let from: Int?
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [String] = []
        var body = Data()
        /// What `Content-Length` says; nil for no such header.
        var length: Int?
        /// Waited for in the middle of the body.
        var gate: DispatchSemaphore?

        /// The whole, as it should be.
        static func whole(_ body: Data, gate: DispatchSemaphore? = nil) -> Reply {
            Reply(body: body, length: body.count, gate: gate)
        }

        /// So many bytes of a body, and then the end of the connection.
        static func cut(_ body: Data, after count: Int) -> Reply {
            Reply(body: body.prefix(count), length: body.count)
        }

        /// The rest from a byte on, as a server that knows ranges sends it.
        static func rest(of body: Data, from: Int, upTo count: Int = .max) -> Reply {
            Reply(
                status: 206,
                headers: ["Content-Range: bytes \(from)-\(body.count - 1)/\(body.count)"],
                body: body.dropFirst(from).prefix(count),
                length: body.count - from
            )
        }
    }

    private let listener: Int32
    private let answer: @Sendable (Request) -> Reply
    /// After how many bytes each of the next bodies that come is hung up on.
    private let breaks: Mutex<[Int]>
    private let taken = Mutex<[Request]>([])
    let url: String

    /// The requests so far.
    var requests: [Request] { taken.withLock { $0 } }

    /// Runs a server for as long as `body` takes.
    ///
    /// - Parameters:
    ///   - breaks: after how many bytes each of the first bodies that come is hung up on; what came is told to `answer`.
    ///   - answer: what a request is answered.
    ///   - body: gets the server.
    /// - Throws: what `body` throws.
    static func with(
        breaks: [Int] = [],
        _ answer: @escaping @Sendable (Request) -> Reply,
        _ body: (ImageServer) async throws -> Void
    ) async throws {
        let server = ImageServer(breaks, answer)
        defer { server.close() }
        try await body(server)
    }

    private init(_ breaks: [Int], _ answer: @escaping @Sendable (Request) -> Reply) {
        self.answer = answer
        self.breaks = Mutex(breaks)
        let (listener, port) = Self.listen()
        self.listener = listener
        url = "http://127.0.0.1:\(port)"
        Thread.detachNewThread { [self] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0 else { return }
                Thread.detachNewThread { [self] in
                    serve(connection)
                    _ = Glibc.close(connection)
                }
            }
        }
    }

    /// A socket that listens on a free port of loopback.
    private static func listen() -> (Int32, UInt16) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = bind(listener, pointer, size)
                _ = Glibc.listen(listener, 16)
                _ = getsockname(listener, pointer, &size)
            }
        }
        return (listener, UInt16(bigEndian: address.sin_port))
    }

    private func close() {
        // Wakes the thread that accepts.
        _ = shutdown(listener, Int32(SHUT_RDWR))
        _ = Glibc.close(listener)
    }

    private func serve(_ connection: Int32) {
        var bytes = Data()
        let end = Data("\r\n\r\n".utf8)
        while bytes.range(of: end) == nil { guard receive(&bytes, from: connection) else { return } }
        let headEnd = bytes.range(of: end)?.upperBound ?? bytes.endIndex
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        func value(_ field: String) -> Int? {
            lines.first { $0.lowercased().hasPrefix(field) }
                .flatMap { Int($0.dropFirst(field.count).prefix { $0.isNumber }) }
        }
        let length = value("content-length: ") ?? 0
        let limit = length > 0 ? breaks.withLock { $0.isEmpty ? nil : $0.removeFirst() } : nil
        var body = Data(bytes[headEnd...])
        while body.count < limit ?? length { guard receive(&body, from: connection) else { return } }
        let words = lines[0].split(separator: " ")
        let request = Request(
            method: String(words[0]),
            path: String(words[1]),
            body: body.prefix(limit ?? length),
            from: value("range: bytes=")
        )
        taken.withLock { $0.append(request) }
        let reply = answer(request)
        if limit != nil { return }
        var text = "HTTP/1.1 \(reply.status) X\r\nConnection: close\r\n"
        for header in reply.headers { text += header + "\r\n" }
        if let length = reply.length { text += "Content-Length: \(length)\r\n" }
        let half = reply.body.count / 2
        send(Data("\(text)\r\n".utf8) + reply.body.prefix(half), to: connection)
        reply.gate?.wait()
        send(Data(reply.body.dropFirst(half)), to: connection)
    }

    private func receive(_ data: inout Data, from connection: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(connection, &buffer, buffer.count, 0)
        data.append(contentsOf: buffer.prefix(max(0, count)))
        return count > 0
    }

    private func send(_ data: Data, to connection: Int32) {
        var rest = data[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
