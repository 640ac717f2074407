// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let letters = "v1/admin/dead-letters"

    /// The newest messages that no node took, at most 100.
    public func deadLetters(limit: Int) async throws(ClientError) -> [DeadLetterBody] {
        let answer: PageAnswer<DeadLetterBody> =
            try await call(.GET, Self.letters, query: ["page": "1", "pageSize": "\(limit)"])
        return answer.contents
    }

    @discardableResult
    public func deleteDeadLetter(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.letters)/\(id)")
    }
}
