// SPDX-License-Identifier: Apache-2.0

import GantryModel
import HTTPTypes
import Hummingbird

/// Refuses a tenant's requests when its key makes too many. Operators and nodes may make as many as they like.
struct RateLimitMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let limiter: RateLimiter<APIKeyID>

    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if case .tenant(let tenant) = context.caller, let wait = limiter.take(tenant.key) {
            throw APIError.tooManyRequests("This key makes too many requests", wait: wait)
        }
        return try await next(request, context)
    }
}

extension APIError {
    /// A refusal until the caller has waited.
    static func tooManyRequests(_ what: String, wait: Duration) -> APIError {
        let seconds = max(1, Int((wait / .seconds(1)).rounded(.up)))
        var error = APIError(
            .tooManyRequests,
            "\(what); wait \(seconds) s, as the header Retry-After says too."
        )
        error.headers[.retryAfter] = "\(seconds)"
        return error
    }
}
