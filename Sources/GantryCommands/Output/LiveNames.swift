// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import GantryClient

extension CompletionKind {
    /// Completes by names that the cloud knows now: the one that the command line names, or the one in use.
    static func live(
        _ names: @Sendable @escaping (APIClient) async throws(ClientError) -> [String]
    ) -> CompletionKind {
        .custom { words, _, _ in
            let context = words.indices.dropLast().first { ["-c", "--context"].contains(words[$0]) }
            let options = context.map { ["--context", words[$0 + 1]] } ?? []
            // What cannot be asked is not completed; the command itself says why.
            guard let connection = try? Connection.parse(options),
                case .success(let found)? = try? await connection.lend(names)
            else { return [] }
            return found
        }
    }
}
