// SPDX-License-Identifier: Apache-2.0

/// Why a callback was not taken, as its owner reads it.
package struct CallbackFailure: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String
    /// Whether the receiver said that there is no use in trying again.
    package let isFinal: Bool

    package init(_ description: String, isFinal: Bool = false) {
        (self.description, self.isFinal) = (description, isFinal)
    }
}
