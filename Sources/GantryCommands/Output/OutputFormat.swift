// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryClient
import GantryProtocol
import Yams

/// How answers are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    /// For people. What it looks like may change.
    case table
    /// With the API's fields, for programs.
    case json
    case yaml

    /// Says on standard error what went wrong: to people in a sentence, to programs as the API's own refusal, in JSON on a
    /// line of its own.
    func complain(_ error: ClientError) {
        let text: String
        switch self {
        case .table: text = "gantry: \(error)\n"
        case .json:
            text = (try? RESTJSON.encoder.encode(error.body)).map { String(decoding: $0, as: UTF8.self) + "\n" } ?? ""
        case .yaml: text = (try? YAMLEncoder().encode(error.body)) ?? ""
        }
        FileHandle.standardError.write(Data(text.utf8))
    }

    /// Prints an answer: as the API writes it, or as the text that is made of it for people.
    func print(_ value: some Encodable, _ text: () -> String) {
        // What came as JSON can be written again.
        switch self {
        case .table: Swift.print(text())
        case .json:
            let encoder = RESTJSON.encoder
            encoder.outputFormatting.insert(.prettyPrinted)
            if let data = try? encoder.encode(value) { Swift.print(String(decoding: data, as: UTF8.self)) }
        case .yaml:
            let encoder = YAMLEncoder()
            (encoder.options.sortKeys, encoder.options.allowUnicode) = (true, true)
            if let yaml = try? encoder.encode(value) { Swift.print(yaml, terminator: "") }
        }
    }
}

extension ClientError {
    /// It as the API writes a refusal, with a code of this program's own where there was no answer that says one.
    fileprivate var body: ErrorBody {
        switch self {
        case .refused(_, let body): body
        case .transport: ErrorBody(message: description, errorReason: "unreachable")
        case .unreadable: ErrorBody(message: description, errorReason: "unreadable_answer")
        }
    }
}
