// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import GantryProtocol
import Yams

/// How answers are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    /// For people. What it looks like may change.
    case table
    /// With the API's fields, for programs.
    case json
    case yaml

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
