// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import GantryTestSupport

/// A receiver of callbacks as a process of its own, that keeps what it is sent in a file.
final class PostReceiver: Sendable {
    /// One POST as it came.
    struct Post: Decodable, Sendable {
        let path: String
        /// Names in small letters.
        let headers: [String: String]
        let body: String

        func message() throws -> CallbackBody { try RESTJSON.decoder.decode(CallbackBody.self, from: Data(body.utf8)) }
    }

    private let process: ProgramProcess
    private let file: String
    private let port: Int

    private static let script = """
        import http.server, json, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers['content-length'])).decode()
                headers = {name.lower(): value for name, value in self.headers.items()}
                with open(sys.argv[1], 'a') as file:
                    file.write(json.dumps({'path': self.path, 'headers': headers, 'body': body}) + '\\n')
                self.send_response(204)
                self.end_headers()
        server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
        with open(sys.argv[1], 'w') as file:
            file.write(str(server.server_port) + '\\n')
        server.serve_forever()
        """

    /// Starts it and waits until it listens.
    init(in folder: String) async throws {
        let file = folder + "/posts"
        process = try ProgramProcess(
            ["/usr/bin/python3", "-c", Self.script, file],
            environment: [:],
            log: folder + "/receiver.log"
        )
        self.file = file
        port = try await eventually("the receiver listens") { Self.lines(file).first.flatMap { Int($0) } }
    }

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    /// What it was sent, oldest first.
    func posts() throws -> [Post] {
        try Self.lines(file).dropFirst().map { try JSONDecoder().decode(Post.self, from: Data($0.utf8)) }
    }

    func stop() async throws { try await process.kill() }

    /// Those that are whole.
    private static func lines(_ file: String) -> [Substring] {
        let text = (try? String(contentsOfFile: file, encoding: .utf8)) ?? ""
        return text[..<(text.lastIndex(of: "\n") ?? text.startIndex)].split(separator: "\n")
    }
}
