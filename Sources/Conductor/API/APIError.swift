// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes

/// A request that is refused, as its client reads it.
package struct APIError: Error, Sendable, Hashable, CustomStringConvertible {
    package var status: HTTPResponse.Status
    /// A stable code for programs.
    package var reason: String
    /// What is wrong and what would be right.
    package var message: String
    package var headers: HTTPFields = [:]

    /// - Parameters:
    ///   - status: the HTTP status.
    ///   - message: for a person.
    ///   - reason: nil for the vendor's code of this status.
    package init(_ status: HTTPResponse.Status, _ message: String, reason: String? = nil) {
        (self.status, self.message) = (status, message)
        self.reason = reason ?? Self.reasons[status.code] ?? "server_error"
    }

    package var description: String { "\(status.code) \(reason): \(message)" }

    /// No key, or none that is known.
    package static var unauthorized: APIError {
        APIError(
            .unauthorized,
            "Send a valid API key, as “api_key: KEY”, “Authorization: Bearer KEY” or “Authorization: Token KEY”."
        )
    }

    /// A field of the request that cannot be.
    package static func invalid(_ field: String, _ what: String) -> APIError {
        APIError(.badRequest, "\(field): \(what)")
    }

    private static let reasons = [
        400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "not_allowed",
        409: "already_exist", 413: "too_large", 422: "unprocessable", 429: "too_many_requests",
        503: "unavailable",
    ]
}
