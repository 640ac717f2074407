// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// The JSON that conductor and agents exchange: dates in ISO 8601 with zone, keys sorted, so that equal values are
/// equal bytes.
public enum NodeJSON {
    public static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = .iso8601
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    public static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }
}
