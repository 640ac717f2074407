// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Hummingbird
import ServiceLifecycle
import Testing

@Suite("A guest asks for metadata and gets its own, and nobody else's")
struct MetadataServiceTests {
    /// A guest, by the loopback address that it asks from.
    private enum Guest: String, CaseIterable {
        case one = "127.0.0.2"
        case two = "127.0.0.3"
        case gone = "127.0.0.4"
        case unknown = "127.0.0.5"
    }

    private static func task(_ address: IPv4Address) -> MachineTask? {
        switch Guest(rawValue: "\(address)") {
        case .one:
            try? Example.task(
                spec: Example.spec(
                    hostname: "one",
                    keys: ["ssh-ed25519 AAAA it's \"one\"", "ssh-rsa BBBB"],
                    userData: Data([0x1F, 0x8B, 0, 255, 10]),
                    floatingIP: "192.0.2.7"
                )
            )
        case .two:
            try? Example.task(
                uuid: "00000000-0000-4000-8000-000000000008",
                spec: Example.spec(hostname: "two", keys: [])
            )
        case .gone: try? Example.task(.absent)
        case .unknown, nil: nil
        }
    }

    /// Runs the service on a free port of loopback.
    private func withService(_ body: (Int) async throws -> Void) async throws {
        let port = try await shell(
            "perl",
            "-MIO::Socket::INET",
            "-e",
            "print IO::Socket::INET->new(Listen => 1)->sockport"
        )
        let service = MetadataService(logger: Example.logger) { Self.task($0) }
        let number = try #require(Int(port))
        let running = Task { try await service.application(host: "127.0.0.1", port: number).run() }
        let result: Result<Void, any Error>
        do {
            try await eventually("it listens") {
                try await run("curl", ["-s", "http://127.0.0.1:\(number)/"]).status == 0
            }
            result = .success(try await body(number))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        _ = await running.result
        try result.get()
    }

    /// What a guest gets: status and body.
    private func curl(_ port: Int, _ guest: Guest, _ path: String, _ arguments: String...) async throws -> (Int, Data) {
        try await withTemporaryDirectory { folder in
            let answer = try await run(
                "curl",
                ["-s", "--interface", guest.rawValue, "-o", "\(folder)/body", "-w", "%{http_code}"] + arguments
                    + ["http://127.0.0.1:\(port)\(path)"]
            )
            let body = (try? Data(contentsOf: URL(filePath: "\(folder)/body"))) ?? Data()
            return (Int(answer.text) ?? 0, body)
        }
    }

    private func token(_ port: Int, _ guest: Guest, seconds: String = "60") async throws -> String {
        let header = "X-aws-ec2-metadata-token-ttl-seconds: \(seconds)"
        let (status, body) = try await curl(port, guest, "/latest/api/token", "-X", "PUT", "-H", header)
        try #require(status == 200)
        return "X-aws-ec2-metadata-token: \(String(decoding: body, as: UTF8.self))"
    }

    private func text(_ port: Int, _ guest: Guest, _ path: String, _ token: String) async throws -> String? {
        let (status, body) = try await curl(port, guest, path, "-H", token)
        return status == 200 ? String(decoding: body, as: UTF8.self) : nil
    }

    @Test("The paths of EC2, with a token, at every version that cloud-init asks for")
    func paths() async throws {
        try await withService { port in
            let token = try await token(port, .one)
            #expect(try await text(port, .one, "/", token)?.contains("latest") == true)
            for version in ["latest", "2009-04-04", "2021-03-23"] {
                let root = "/\(version)/meta-data"
                #expect(try await text(port, .one, "/\(version)/", token) == "meta-data\nuser-data")
                let names = try await text(port, .one, "\(root)/", token)?.split(separator: "\n").map(String.init)
                #expect(names?.contains("instance-id") == true && names?.last == "public-keys/")
                #expect(try await text(port, .one, "\(root)/instance-id", token) == Example.uuid)
                #expect(try await text(port, .one, "\(root)/local-hostname", token) == "one")
                #expect(try await text(port, .one, "\(root)/local-ipv4", token) == "10.3.0.7")
                #expect(try await text(port, .one, "\(root)/public-ipv4", token) == "192.0.2.7")
                #expect(try await text(port, .one, "\(root)/public-keys/", token) == "0=key-0\n1=key-1")
                #expect(try await text(port, .one, "\(root)/public-keys/0/", token) == "openssh-key")
                let key = try await text(port, .one, "\(root)/public-keys/0/openssh-key", token)
                #expect(key == "ssh-ed25519 AAAA it's \"one\"")
            }
            let (status, body) = try await curl(port, .one, "/latest/user-data", "-H", token)
            #expect((status, body) == (200, Data([0x1F, 0x8B, 0, 255, 10])))
            for path in [
                "/1066-10-14/meta-data", "/latest/other", "/latest/meta-data/other", "/latest/meta-data/public-keys/2/",
                "/latest/meta-data/public-keys/-1/openssh-key", "/latest/user-data/x",
                "/latest/meta-data/../../etc/passwd",
            ] {
                #expect(try await curl(port, .one, path, "--path-as-is", "-H", token).0 == 404, "\(path)")
            }
        }
    }

    @Test("Another guest's data is not to be had: not by its token, nor by asking as somebody unknown or gone")
    func others() async throws {
        try await withService { port in
            let (one, two) = (try await token(port, .one), try await token(port, .two))
            #expect(try await text(port, .two, "/latest/meta-data/local-hostname", two) == "two")
            #expect(try await curl(port, .two, "/latest/meta-data/local-hostname", "-H", one).0 == 401)
            // It has neither user_data nor a floating IP.
            #expect(try await curl(port, .two, "/latest/user-data", "-H", two).0 == 404)
            #expect(try await curl(port, .two, "/latest/meta-data/public-ipv4", "-H", two).0 == 404)
            for guest in [Guest.gone, .unknown] {
                #expect(try await curl(port, guest, "/latest/meta-data/", "-H", one).0 == 404)
            }
            let header = "X-aws-ec2-metadata-token-ttl-seconds: 60"
            #expect(try await curl(port, .unknown, "/latest/api/token", "-X", "PUT", "-H", header).0 == 404)
        }
    }

    @Test("Nothing without a token, and no token to a proxy, without a life, or with a wrong one")
    func tokens() async throws {
        try await withService { port in
            #expect(try await curl(port, .one, "/latest/meta-data/").0 == 401)
            #expect(try await curl(port, .one, "/latest/meta-data/", "-H", "X-aws-ec2-metadata-token: x").0 == 401)
            #expect(try await curl(port, .one, "/latest/api/token", "-X", "PUT").0 == 400)
            for seconds in ["0", "-1", "21601", "x", "99999999999999999999"] {
                let header = "X-aws-ec2-metadata-token-ttl-seconds: \(seconds)"
                #expect(try await curl(port, .one, "/latest/api/token", "-X", "PUT", "-H", header).0 == 400)
            }
            let life = "X-aws-ec2-metadata-token-ttl-seconds: 60"
            let proxied = try await curl(
                port,
                .one,
                "/latest/api/token",
                "-X",
                "PUT",
                "-H",
                life,
                "-H",
                "X-Forwarded-For: 10.0.0.1"
            )
            #expect(proxied.0 == 403)
        }
    }
}

@Suite("A metadata token is one guest's, for a while")
struct MetadataTokensTests {
    private let uuid = MachineUUID()
    private let now = Date(timeIntervalSince1970: 1_000_000)

    @Test("It is good until its end, for its guest alone, and not after a change or another start")
    func life() throws {
        let tokens = MetadataTokens()
        let token = try #require(tokens.issue(to: uuid, at: now, for: 60))
        #expect(tokens.accepts(token, of: uuid, at: now + 59))
        #expect(!tokens.accepts(token, of: uuid, at: now + 60))
        #expect(!tokens.accepts(token, of: MachineUUID(), at: now))
        #expect(!MetadataTokens().accepts(token, of: uuid, at: now))
        let later = token.replacing("1000060", with: "2000060")
        #expect(later != token && !tokens.accepts(later, of: uuid, at: now))
        for nonsense in ["", ".", "1000060.", "x.y", "9999999999.AAAA"] {
            #expect(!tokens.accepts(nonsense, of: uuid, at: now))
        }
    }

    @Test("Its life is 1 second to 6 hours")
    func bounds() {
        let tokens = MetadataTokens()
        for seconds in [1, 21_600] { #expect(tokens.issue(to: uuid, at: now, for: seconds) != nil) }
        for seconds in [0, -1, 21_601, .max] { #expect(tokens.issue(to: uuid, at: now, for: seconds) == nil) }
    }
}
