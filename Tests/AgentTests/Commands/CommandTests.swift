// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryTestSupport
import Testing

@Suite("A program of the host's is run without a shell, and never for ever")
struct CommandTests {
    @Test("Its input and arguments arrive as they are")
    func arguments() async throws {
        #expect(try await Command("cat", []).run(input: "a\0b\n") == "a\0b\n")
        #expect(try await Command("printf", ["%s|", "a b", "$(id)", "`id`;", "*", ""]).run() == "a b|$(id)|`id`;|*||")
    }

    @Test("A failure says which program, its status and its words")
    func failure() async throws {
        let failure = await #expect(throws: Command.Failure.self) {
            try await Command("sh", ["-c", "echo no >&2; exit 7"]).run()
        }
        #expect(failure?.status == 7)
        #expect(failure?.description == "sh failed with status 7: no")
        let missing = await #expect(throws: Command.Failure.self) {
            try await Command("a-program-of-tomorrow", []).run()
        }
        #expect(missing?.status == nil && missing?.program == "a-program-of-tomorrow")
        let killed = await #expect(throws: Command.Failure.self) {
            try await Command("sh", ["-c", "kill -9 $$"]).run()
        }
        #expect(killed?.status == nil && killed?.text.contains("signal 9") == true)
        let full = await #expect(throws: Command.Failure.self) {
            try await Command("sh", ["-c", "cat /proc/version >/dev/full"]).run()
        }
        #expect(full?.saysDiskFull == true)
    }

    @Test("One that does not end is ended, at its deadline or when nobody wants it any more", .timeLimit(.minutes(1)))
    func deadline() async throws {
        let late = await #expect(throws: Command.Failure.self) {
            try await Command("sleep", ["3600"], deadline: .milliseconds(100)).run()
        }
        #expect(late?.text.contains("did not end") == true)
        let unwanted = Task { try await Command("sleep", ["3600"]).run() }
        unwanted.cancel()
        await #expect(throws: (any Error).self) { try await unwanted.value }
    }

    @Test(
        "What it started ends with it at its deadline, and has no say in it",
        .timeLimit(.minutes(1)),
        arguments: ["", "trap \"\" TERM; "]
    )
    func children(_ trap: String) async throws {
        try await withTemporaryDirectory { directory in
            let child = "\(directory)/child"
            let script = "sh -c '\(trap)echo $$ >\(child); exec sleep 3600' & wait"
            await #expect(throws: Command.Failure.self) {
                try await Command("sh", ["-c", script], deadline: .seconds(1)).run()
            }
            let text = try String(contentsOfFile: child, encoding: .utf8).trimmingCharacters(in: .newlines)
            let process = try #require(pid_t(text))
            try await eventually("the child ends") { kill(process, 0) != 0 }
        }
    }
}
