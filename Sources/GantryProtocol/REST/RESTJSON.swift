// SPDX-License-Identifier: Apache-2.0

public import Foundation

/// JSON as the API speaks it: keys as they are declared, sorted, so that equal answers are equal bytes.
public enum RESTJSON {
    public static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }

    public static var decoder: JSONDecoder { JSONDecoder() }
}
