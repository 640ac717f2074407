// SPDX-License-Identifier: Apache-2.0

import GantryProtocol
import HTTPTypes
import Hummingbird
import Logging

/// Answers every error in the API's form, and gives each answer the request's id, by which its log is found.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = APIContext

    let logger: Logger

    private static let requestID = HTTPField.Name("x-request-id")

    func handle(
        _ request: Request,
        context: Context,
        next: @concurrent (Request, Context) async throws -> Response
    ) async throws -> Response {
        var context = context
        if let name = Self.requestID, let id = request.headers[name], Self.isWellFormed(id) {
            context.logger[metadataKey: "hb.request.id"] = "\(id)"
        }
        let known = context
        var response: Response
        do {
            response = try await RequestID.$current.withValue(known.id) { try await next(request, known) }
        } catch {
            response = try answer(to: error, request, context)
        }
        if let name = Self.requestID { response.headers[name] = context.id }
        // A body would be taken for the begin of the connection's next answer (RFC 9110, section 9.3.2).
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// A client's id is taken over when it can stand in logs and headers as it is.
    private static func isWellFormed(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
            }
    }

    private func answer(to error: any Error, _ request: Request, _ context: Context) throws -> Response {
        let known = APIError(error)
        if known.map({ $0.status.code >= 500 }) ?? true {
            logger.error(
                "A request failed",
                metadata: [
                    "request.id": "\(context.id)", "http.method": "\(request.method)",
                    "http.route": "\(context.endpointPath ?? "none")", "error": "\(error)",
                ]
            )
        }
        if let known, known.isRefusedEntry(error) {
            logger.notice(
                "A caller was refused",
                metadata: [
                    "request.id": "\(context.id)", "http.method": "\(request.method)",
                    "http.path": "\(request.uri.path.prefix(200))", "client.address": "\(context.address)",
                    "reason": "\(known.reason)", "error": "\(error)",
                ]
            )
        }
        let shown =
            known
            ?? APIError(.internalServerError, "The conductor failed; its log has the reason under id \(context.id).")
        var response = try Response.json(
            ErrorBody(message: shown.message, errorReason: shown.reason),
            status: shown.status
        )
        for field in shown.headers { response.headers.append(field) }
        if shown.status == .serviceUnavailable { response.headers[.retryAfter] = "1" }
        return response
    }
}

extension APIError {
    /// Whether somebody came who has no business here, or not as what they said.
    fileprivate func isRefusedEntry(_ cause: any Error) -> Bool {
        if let refusal = cause as? NodeRefusal, [.outdated, .declaredDead, .wrongIdentity].contains(refusal.reason) {
            return true
        }
        return status == .unauthorized || status == .forbidden
    }
}
