// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

/// How this program ends. A wrong command ends with 64, and `gantry vm ssh` as ssh does.
enum ExitStatus {
    /// The conductor said no, or what was waited for failed.
    static let refused = ExitCode(1)
    /// The conductor was not reached.
    static let unreachable = ExitCode(2)

    static func of(_ error: ClientError) -> ExitCode { error.status == nil ? unreachable : refused }
}
