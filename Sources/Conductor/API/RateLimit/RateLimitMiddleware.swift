// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// Refuses a tenant's requests when its key makes too many. Operators and nodes may make as many as they like.
struct RateLimitMiddleware: RouterMiddleware {
    typealias Context = APIContext

    /// Nil for no limit.
    let limiter: RateLimiter?

    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        if case .tenant(let tenant) = context.caller, let wait = limiter?.take(tenant.key) {
            let seconds = max(1, Int((wait / .seconds(1)).rounded(.up)))
            var error = APIError(
                .tooManyRequests,
                "This key makes too many requests; wait \(seconds) s, as the header Retry-After says too."
            )
            error.headers[.retryAfter] = "\(seconds)"
            throw error
        }
        return try await next(request, context)
    }
}
