// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("An image that cannot be used (root)", .serialized)
struct BadImageTests {
    @Test("Each kind is an ERROR with its own reason, and leaves nothing on the host", .timeLimit(.minutes(10)))
    func reasons() async throws {
        try await SystemCloud.withIdleGuests { cloud in
            let agent = try cloud.startAgent()
            let server = try await ImageServer(in: cloud)
            let bad = try await BadImage.all(from: cloud.image, server, in: cloud.folder)
            var machines: [(BadImage, InstanceBody)] = []
            for image in bad {
                try await cloud.addImage(image.name, url: image.url, sha256: image.sha256)
                machines.append((image, try await cloud.create("with-\(image.name)", image: image.name)))
            }
            for (image, machine) in machines {
                let failed = try await cloud.wait(for: machine, .error)
                #expect(failed.fault?.code == image.code.rawValue, "\(image.name): \(failed.fault?.message ?? "")")
            }
            try await eventually("nothing is left on the host though the machines still exist") {
                try await Auditor.leftovers(on: cloud.hosts[0]).filter { !$0.hasPrefix("journal/") }.isEmpty
            }
            for (_, machine) in machines { try await cloud.remove(machine) }
            try await Auditor.expectNothingLeft(of: cloud)
            try await server.stop()
            #expect(try await agent.stop() == 0)
        }
    }
}

/// A web server on the host's loopback that has no image, and half of one.
private struct ImageServer {
    let url: String
    private let process: ProgramProcess

    private static let program = """
        import http.server, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path != "/half":
                    return self.send_error(404)
                self.send_response(200)
                self.send_header("Content-Length", "1000000")
                self.end_headers()
                self.wfile.write(bytes(500000))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_port, flush=True)
        server.serve_forever()
        """

    init(in cloud: SystemCloud) async throws {
        let log = cloud.folder + "/image-server.log"
        let command = cloud.hosts[0].entry + ["python3", "-c", Self.program]
        process = try ProgramProcess(command, environment: [:], log: log)
        let port = try await eventually("the web server says its port") {
            let text = try String(contentsOfFile: log, encoding: .utf8)
            return text.split(separator: "\n").first.flatMap { Int($0) }
        }
        url = "http://127.0.0.1:\(port)"
    }

    func stop() async throws { try await process.kill() }
}

/// An image that a node must refuse.
private struct BadImage: Sendable {
    let name: String
    let url: String
    let sha256: String
    let code: Fault.Code

    private static let zeros = String(repeating: "0", count: 64)

    /// One of each kind, some made from a good image.
    static func all(from good: TestImage, _ server: ImageServer, in folder: String) async throws -> [BadImage] {
        [
            BadImage(name: "missing", url: "file://\(folder)/nowhere", sha256: zeros, code: .imageMissing),
            BadImage(name: "not-found", url: server.url + "/nothing", sha256: zeros, code: .imageMissing),
            BadImage(name: "half", url: server.url + "/half", sha256: zeros, code: .imageTruncated),
            BadImage(name: "changed", url: "file://\(good.path)", sha256: zeros, code: .imageDigestMismatch),
            try await file("text", .imageInvalid, in: folder) { path in
                try Data("no disk at all".utf8).write(to: URL(filePath: path))
            },
            try await file("cut-header", .imageInvalid, in: folder) { path in
                try Data(contentsOf: URL(filePath: good.path)).prefix(50).write(to: URL(filePath: path))
            },
            try await file("backed", .imageUnsafe, in: folder) { path in
                try await create(path, "1G", "-F", "raw", "-b", "/etc/passwd", "-u")
            },
            try await file("elsewhere", .imageUnsafe, in: folder) { path in
                try await create(path, "1G", "-o", "data_file=\(path).data")
            },
            try await file("huge", .imageTooLarge, in: folder) { path in try await create(path, "100G") },
        ]
    }

    private static func create(_ path: String, _ size: String, _ options: String...) async throws {
        let output = try await run("qemu-img", ["create", "-q", "-f", "qcow2"] + options + [path, size])
        guard output.status == 0 else { throw CommandFailure(description: output.errorText) }
    }

    private static func file(
        _ name: String,
        _ code: Fault.Code,
        in folder: String,
        _ make: (String) async throws -> Void
    ) async throws -> BadImage {
        let path = "\(folder)/\(name)"
        try await make(path)
        return BadImage(name: name, url: "file://\(path)", sha256: try await TestImage.digest(of: path), code: code)
    }
}
