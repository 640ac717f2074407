// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import GantryTestSupport

/// A connection from outside that stays open, on which the guest says what is said to it.
struct Talk {
    private let file: String
    private let watch: ExitWatch
    private let group: String

    static func overSSH(with machine: InstanceBody, in cloud: SystemCloud) async throws -> Talk {
        try await Talk(
            "ssh -q -i \(cloud.data.keyFiles[0]) -o BatchMode=yes -o StrictHostKeyChecking=no"
                + " -o UserKnownHostsFile=/dev/null \(cloud.image.user)@\(machine.floatingIP ?? "") cat",
            in: cloud
        )
    }

    static func over(_ port: Int, with machine: InstanceBody, in cloud: SystemCloud) async throws -> Talk {
        try await Talk("socat - TCP:\(machine.floatingIP ?? ""):\(port)", in: cloud)
    }

    private init(_ client: String, in cloud: SystemCloud) async throws {
        let file = "\(cloud.folder)/talk-\(UInt32.random(in: 0...UInt32.max))"
        let talk = "echo $$ >\(file).group; touch \(file).said; tail -s 0.1 -f \(file).said | \(client) >\(file).heard"
        try Data(talk.utf8).write(to: URL(filePath: file + ".sh"))
        _ = try await cloud.outside("sh", "-c", "setsid sh \(file).sh >/dev/null 2>&1 </dev/null &")
        group = try await eventually("the talk has begun") {
            let text = try? String(contentsOfFile: file + ".group", encoding: .utf8)
            return text.flatMap { $0.hasSuffix("\n") ? "-\($0.dropLast())" : nil }
        }
        self.file = file
        watch = try ExitWatch("kill", "-9", "--", group)
    }

    /// Whether what is said now comes back within some seconds.
    func goesOn() async throws -> Bool {
        let words = "\(UInt64.random(in: 0...UInt64.max))"
        let script = """
            echo \(words) >>\(file).said
            for n in $(seq 40); do grep -q \(words) \(file).heard && exit 0; sleep 0.1; done; exit 1
            """
        return try await run("sh", ["-c", script]).status == 0
    }

    func end() async throws {
        _ = try await run("kill", ["-9", "--", group])
        watch.callOff()
    }
}
