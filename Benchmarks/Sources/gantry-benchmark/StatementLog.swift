// SPDX-License-Identifier: Apache-2.0

import Foundation

/// PostgreSQL's log, as far as it tells of statements.
struct StatementLog: Sendable {
    private let path: String

    /// - Parameter services: the folder that `Packaging/dev/services` works in.
    init(services: String) {
        path = "\(services)/postgres/log"
    }

    /// The address of the same database for sessions whose statements are logged.
    static func logging(_ url: String) -> String { "\(url)?options=-c%20log_statement%3Dall" }

    /// How many statements it has; one that is answered is in it.
    func count() throws -> Int {
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        return text.split(separator: "\n").count { $0.contains("LOG:  execute ") || $0.contains("LOG:  statement: ") }
    }
}
