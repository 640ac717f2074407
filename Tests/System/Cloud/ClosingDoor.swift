// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryTestSupport
import Synchronization

/// A way to a service on this machine that can be closed for one program while others go on using the service.
final class ClosingDoor: Sendable {
    /// The service's, by this way.
    let url: String
    private let port: Int
    private let servicePort: String
    private let folder: String
    private let process = Mutex<ProgramProcess?>(nil)

    private static let script = """
        import socket, sys, threading
        def carry(source, target):
            try:
                while data := source.recv(65536):
                    target.sendall(data)
            except OSError:
                pass
            for end in source, target:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        server = socket.create_server(('127.0.0.1', int(sys.argv[1])))
        while True:
            client, _ = server.accept()
            service = socket.create_connection(('127.0.0.1', int(sys.argv[2])))
            for pair in (client, service), (service, client):
                threading.Thread(target=carry, args=pair, daemon=True).start()
        """

    /// Opens it.
    init(to url: String, in folder: String) async throws {
        guard let match = url.firstMatch(of: /@127\.0\.0\.1:([0-9]+)/) else {
            throw CommandFailure(description: "\(url) is not on this machine")
        }
        port = try await TestConductor.freePort()
        servicePort = String(match.1)
        self.url = url.replacing("@127.0.0.1:\(servicePort)", with: "@127.0.0.1:\(port)")
        self.folder = folder
        try await open()
    }

    func open() async throws {
        let started = try ProgramProcess(
            ["/usr/bin/python3", "-c", Self.script, "\(port)", servicePort],
            environment: [:],
            log: "\(folder)/door-\(port).log"
        )
        process.withLock { $0 = started }
        try await eventually("the door is open") {
            guard started.isRunning else { throw CommandFailure(description: "The door on \(port) did not open.") }
            return try await run("bash", ["-c", "exec 3<>/dev/tcp/127.0.0.1/\(port)"]).status == 0
        }
    }

    /// Ends every connection through it, and lets none in.
    func close() async throws {
        let running = process.withLock { process in
            defer { process = nil }
            return process
        }
        try await running?.kill()
    }
}
