// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryModel
import GantryTestSupport
import Testing

@Suite("SSH public keys are what OpenSSH makes, and what they say they are")
struct SSHPublicKeyTests {
    /// Makes a key with OpenSSH's own tool; gives its public line and the fingerprint that the tool shows.
    private static func make(_ arguments: [String]) async throws -> (line: String, fingerprint: String) {
        try await withTemporaryDirectory { folder in
            let file = folder + "/key"
            let made = try await run("ssh-keygen", ["-q", "-N", "", "-C", "ada@example", "-f", file] + arguments)
            #expect(made.status == 0, "\(made.errorText)")
            let line = try String(contentsOfFile: file + ".pub", encoding: .utf8)
            // 256 MD5:a1:b2:… ada@example (ED25519)
            let shown = try await shell("ssh-keygen", "-l", "-E", "md5", "-f", file + ".pub")
            let fingerprint = try #require(
                shown.split(separator: " ").dropFirst().first?.split(separator: "MD5:").first
            )
            return (line, String(fingerprint))
        }
    }

    @Test(
        "Every supported type is taken, with OpenSSH's fingerprint",
        arguments: [
            ["-t", "ed25519"], ["-t", "rsa", "-b", "2048"], ["-t", "rsa", "-b", "3072"], ["-t", "ecdsa", "-b", "256"],
            ["-t", "ecdsa", "-b", "384"], ["-t", "ecdsa", "-b", "521"],
        ]
    )
    func types(_ arguments: [String]) async throws {
        let (line, fingerprint) = try await Self.make(arguments)
        let key = try SSHPublicKey(line)
        #expect(key.fingerprint == fingerprint)
        #expect(key.text == line)
        #expect(SSHPublicKey.types.contains { line.hasPrefix($0 + " ") })
    }

    @Test("An RSA key of 1024 bits is too short")
    func shortRSA() async throws {
        let (line, _) = try await Self.make(["-t", "rsa", "-b", "1024"])
        let refusal = #expect(throws: InvalidValue.self) { try SSHPublicKey(line) }
        #expect(refusal?.description.contains("1024 bits") == true)
    }

    /// `ssh-keygen -t ed25519`, once.
    private static let base64 = "AAAAC3NzaC1lZDI1NTE5AAAAIFw2Xq1cAq/7FGgQmNBl1k4aTK4iuDV1Xj8Vm8rnKxVU"
    private static let line = "ssh-ed25519 \(base64)"

    @Test(
        "A comment may be anything that can be seen, and is kept",
        arguments: [
            "", " ada", " ada lovelace  <ada@example> \"'$(id)`;&|\\", " ünï 火 🚀", " two  spaces ", "\n", "\r\n",
            " ada\n", "\n\n",
        ]
    )
    func comments(_ comment: String) throws {
        #expect(try SSHPublicKey(Self.line + comment).text == Self.line + comment)
    }

    /// Keys that are none, and what is said of them.
    private static let bad: [(String, String)] = [
        ("", "it is empty"), ("\n", "it is empty"), ("hello", "“hello” is not a type of key"),
        ("ssh-ed25519", "what follows “ssh-ed25519” is not base64"),
        ("ssh-ed25519 AAAA!", "what follows “ssh-ed25519” is not base64"),
        ("ssh-ed25519 \(base64.dropLast(4))", "cut short"), ("ssh-ed25519 \(base64.dropLast(1))", "is not base64"),
        ("ssh-ed25519 AAAA", "cut short"), ("ssh-ed25519 ", "is not base64"),
        ("ssh-rsa \(base64)", "holds a key of type “ssh-ed25519”"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "“ssh-dss” is not a type of key"),
        ("sk-ssh-ed25519@openssh.com \(base64)", "is not a type of key"),
        (" \(line)", "begins with a space"), ("\t\(line)", "control character"),
        ("command=\"rm -rf /\" \(line) ada", "something stands before the type"),
        ("no-pty \(line)", "something stands before the type"), ("\(line)\n\(line)", "several lines"),
        ("\(line) a\nb", "control character"), ("\(line) a\u{7}b", "control character"),
        ("\(line) a\u{2028}b", "control character"), ("\(line) a\0", "control character"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n", "this is a private key"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\n", "this is a private key"),
        ("PuTTY-User-Key-File-3: ssh-ed25519\n", "this is a private key"),
        ("-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----", "convert it"),
        ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", "convert it"),
        ("\(line) \(String(repeating: "x", count: 8200))", "8192"),
    ]

    @Test("What is no key is told what it is", arguments: bad)
    func refused(_ text: String, _ complaint: String) {
        let refusal = #expect(throws: InvalidValue.self) { try SSHPublicKey(text) }
        #expect(refusal?.description.contains(complaint) == true, "\(refusal?.description ?? "")")
    }

    /// Types with blobs whose parts are wrong, and what is said of them.
    private static let badBlobs: [(String, [[UInt8]], String)] = [
        ("ssh-ed25519", [Array(repeating: 1, count: 31)], "31 bytes rather than 32"),
        ("ssh-ed25519", [Array(repeating: 1, count: 32), [1]], "goes on after the end"),
        ("ssh-rsa", [[1, 0, 1], [0x7F] + Array(repeating: 0xFF, count: 254)], "2039 bits"),
        ("ssh-rsa", [[1, 0, 1], [0] + Array(repeating: 0xFF, count: 2049)], "16392 bits"),
        ("ssh-rsa", [[1, 0, 1], Array(repeating: 0xFF, count: 256)], "not positive"),
        ("ssh-rsa", [[1, 0, 1], [0, 0x7F] + Array(repeating: 0xFF, count: 256)], "not in its shortest form"),
        ("ssh-rsa", [[2], [0] + Array(repeating: 0xFF, count: 256)], "exponent"),
        ("ssh-rsa", [[1], [0] + Array(repeating: 0xFF, count: 256)], "exponent"),
        ("ssh-rsa", [[], [0] + Array(repeating: 0xFF, count: 256)], "not positive"),
        ("ssh-rsa", [[1, 0, 1]], "cut short"),
        ("ecdsa-sha2-nistp256", [Array("nistp384".utf8), [4]], "names the curve nistp256"),
        (
            "ecdsa-sha2-nistp256", [Array("nistp256".utf8), [4] + Array(repeating: 7, count: 64)],
            "no point on the curve"
        ),
        ("ecdsa-sha2-nistp521", [Array("nistp521".utf8), []], "no point on the curve"),
    ]

    @Test("A key whose parts cannot be is refused", arguments: badBlobs)
    func blobs(_ type: String, _ parts: [[UInt8]], _ complaint: String) {
        var blob = Data()
        for part in [Array(type.utf8)] + parts {
            blob += [UInt8(part.count >> 24), UInt8(part.count >> 16 & 255), UInt8(part.count >> 8 & 255)]
            blob += [UInt8(part.count & 255)] + part
        }
        let refusal = #expect(throws: InvalidValue.self) { try SSHPublicKey("\(type) \(blob.base64EncodedString())") }
        #expect(refusal?.description.contains(complaint) == true, "\(refusal?.description ?? "")")
    }
}
