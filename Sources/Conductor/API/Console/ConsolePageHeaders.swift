// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// What browsers may do on the page that shows a machine's display: nothing from elsewhere, nothing around it, and no trace
/// of it elsewhere.
struct ConsolePageHeaders<Context: RequestContext>: RouterMiddleware {
    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        guard request.uri.path.hasPrefix(ConsoleAddress.page + "/") else { return response }
        for (name, value) in Self.headers { response.headers[name] = value }
        return response
    }

    private static var headers: [(HTTPField.Name, String)] {
        let policy =
            "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self' ws: wss:; "
            + "frame-ancestors 'none'"
        let texts = [
            ("content-security-policy", policy), ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ]
        return texts.compactMap { name, value in HTTPField.Name(name).map { ($0, value) } }
    }
}
