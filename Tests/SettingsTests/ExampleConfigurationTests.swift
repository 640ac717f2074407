// SPDX-License-Identifier: Apache-2.0

import Agent
import Conductor
import Foundation
import GantryTestSupport
import Settings
import Testing

@Suite("The packages' examples say of every key what the programs make of it")
struct ExampleConfigurationTests {
    private func example(_ program: Program) async throws -> ExampleConfiguration {
        try await ExampleConfiguration(program.rawValue, source: program.source)
    }

    private func read(_ program: Program, _ text: String) async throws -> (meaning: String, keys: [String]) {
        try await withTemporaryDirectory { folder in
            let path = "\(folder)/\(program.rawValue).yaml"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            let settings = SettingsReader(try SettingsSources(file: path, environment: [:]))
            return (try program.read(settings), settings.effective.keys)
        }
    }

    @Test("It has the keys that the program reads, and no others", arguments: Program.allCases)
    func complete(_ program: Program) async throws {
        let example = try await example(program)
        for text in [example.text, example.uncommented] {
            let keys = try await read(program, text).keys
            #expect(Set(keys) == example.keys)
            #expect(keys.count > 15)
        }
    }

    @Test("What it says holds without a key is what holds", arguments: Program.allCases)
    func defaults(_ program: Program) async throws {
        let example = try await example(program)
        #expect(example.text != example.uncommented)
        let (asItIs, uncommented) = (
            try await read(program, example.text), try await read(program, example.uncommented)
        )
        #expect(asItIs.meaning == uncommented.meaning)
    }
}
