// SPDX-License-Identifier: Apache-2.0

import Agent
import Conductor
import Configuration
import Foundation
import GantryTestSupport
import Synchronization
import SystemPackage
import Testing

@Suite("The packages' examples say of every key what the programs make of it")
struct ExampleConfigurationTests {
    enum Program: String, CaseIterable {
        case agent, conductor

        var source: String {
            switch self {
            case .agent: "Sources/Agent/AgentConfiguration.swift"
            case .conductor: "Sources/Conductor/ConductorConfiguration.swift"
            }
        }

        /// What a configuration comes to, as text.
        func read(_ reader: ConfigReader) throws -> String {
            switch self {
            case .agent: "\(try AgentConfiguration(reader))"
            case .conductor: "\(try ConductorConfiguration(reader))"
            }
        }
    }

    /// Which keys a program asked for.
    private final class AskedKeys: AccessReporter {
        private let names = Mutex<Set<String>>([])

        var all: Set<String> { names.withLock { $0 } }

        func report(_ event: AccessEvent) {
            names.withLock { _ = $0.insert("\(event.metadata.key)") }
        }
    }

    private func read(_ program: Program, _ text: String) async throws -> (meaning: String, asked: Set<String>) {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/\(program.rawValue).yaml"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let asked = AskedKeys()
            let file = try await FileProvider<YAMLSnapshot>(filePath: FilePath(path))
            let meaning = try program.read(ConfigReader(provider: file, accessReporter: asked))
            return (meaning, asked.all)
        }
    }

    @Test("Every key that a program asks for is in its example", arguments: Program.allCases)
    func complete(_ program: Program) async throws {
        let example = try await ExampleConfiguration(program.rawValue, source: program.source)
        for text in [example.text, example.uncommented] {
            let asked = try await read(program, text).asked
            #expect(asked.subtracting(example.keys) == [])
            #expect(asked.count > 15)
        }
    }

    @Test("No key is in it that nothing asks for", arguments: Program.allCases)
    func noneTooMany(_ program: Program) async throws {
        let folders = [Repository.path(program.source), Repository.path("Sources/Settings")]
            .map { $0.hasSuffix(".swift") ? URL(filePath: $0).deletingLastPathComponent().path : $0 }
        for key in try await ExampleConfiguration(program.rawValue, source: program.source).keys {
            let found = try await run("grep", ["-rqF", "\"\(key)\""] + folders)
            #expect(found.status == 0, "\(key)")
        }
    }

    @Test("What it says holds without a key is what holds", arguments: Program.allCases)
    func defaults(_ program: Program) async throws {
        let example = try await ExampleConfiguration(program.rawValue, source: program.source)
        #expect(example.text != example.uncommented)
        let (asItIs, uncommented) = (
            try await read(program, example.text), try await read(program, example.uncommented)
        )
        #expect(asItIs.meaning == uncommented.meaning)
    }
}
