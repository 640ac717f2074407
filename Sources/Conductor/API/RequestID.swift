// SPDX-License-Identifier: Apache-2.0

package import Logging

/// The id of the request that is being answered, by which its log is found.
package enum RequestID {
    /// Nil for what no request asked for.
    @TaskLocal package static var current: String?

    /// Adds it to whatever is logged meanwhile.
    package static let metadata = Logger.MetadataProvider { current.map { ["request.id": "\($0)"] } ?? [:] }
}
