// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird

/// Finds out whose key came with a request. What the caller may do is decided by the context that a route asks for.
struct AuthenticationMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let keys: APIKeyStore

    private static let header = HTTPField.Name("api_key")

    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let key = Self.key(in: request.headers) { context.caller = try await keys.caller(presenting: key) }
        return try await next(request, context)
    }

    /// The key in `api_key: KEY`, `Authorization: Token KEY` or `Authorization: Bearer KEY`.
    private static func key(in headers: HTTPFields) -> String? {
        if let header, let key = headers[header] { return key }
        let parts = headers[.authorization]?.split(separator: " ", maxSplits: 1) ?? []
        guard parts.count == 2, ["token", "bearer"].contains(parts[0].lowercased()) else { return nil }
        return parts[1].trimmingCharacters(in: .whitespaces)
    }
}
