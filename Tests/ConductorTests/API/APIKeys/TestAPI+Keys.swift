// SPDX-License-Identifier: Apache-2.0

import Conductor
import GantryProtocol
import HTTPTypes
import Testing

extension TestAPI {
    /// Makes a key over the API.
    ///
    /// - Parameters:
    ///   - fields: of the request beside the name, as JSON without braces.
    ///   - key: that of the request.
    /// - Returns: what is known of the key, and the key.
    /// - Throws: when it was refused.
    func generateKey(_ fields: String = "", key: String = TestAPI.key) async throws -> APIKeyBody {
        let body = #"{"name":"made"\#(fields.isEmpty ? "" : ",")\#(fields)}"#
        let answer = try await call(.post, "/v1/api-key/generate", body, key: key)
        try #require(answer.status == .ok, "\(answer)")
        return try answer.decoded(Answer<APIKeyBody>.self).content
    }

    /// The same, and only the key.
    func secret(_ fields: String = "", key: String = TestAPI.key) async throws -> String {
        try #require(try await generateKey(fields, key: key).key)
    }
}
