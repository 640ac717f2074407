// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol

/// Prints a value as the API writes it, spread over lines.
func printJSON(_ value: some Encodable) {
    let encoder = RESTJSON.encoder
    encoder.outputFormatting.insert(.prettyPrinted)
    // What came as JSON can be written as JSON.
    guard let data = try? encoder.encode(value) else { return }
    print(String(decoding: data, as: UTF8.self))
}
