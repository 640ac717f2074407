// SPDX-License-Identifier: Apache-2.0

package import Foundation

/// Where the checkout is that the tests were built from.
package enum Repository {
    package static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The path of a script or file, from the checkout's top.
    package static func path(_ relative: String) -> String {
        root.appending(path: relative).path
    }
}
