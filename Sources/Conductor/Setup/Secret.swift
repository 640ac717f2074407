// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Keys and passwords that nobody can guess.
enum Secret {
    /// 256 random bits, in letters that need no escaping anywhere.
    static func make(prefix: String = "") -> String {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return prefix
            + Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
