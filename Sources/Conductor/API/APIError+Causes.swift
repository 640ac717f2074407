// SPDX-License-Identifier: Apache-2.0

import AMQP
import AsyncHTTPClient
import GantryModel
import Hummingbird
import NIOCore
import Postgres

extension APIError {
    /// What a client is told of any error. The one place where errors get their HTTP status.
    ///
    /// Nil for errors that only the operator may read, which are answered with status 500.
    init?(_ error: any Error) {
        switch error {
        case let error as APIError: self = error
        case let error as MachineRefusal: self.init(error)
        case let error as ResourceRefusal: self.init(error)
        case let error as QuotaExceeded: self.init(.conflict, error.description, reason: "quota_exceeded")
        case let error as NodeRefusal: self.init(error.reason.status, error.message, reason: error.reason.code)
        case let error as InvalidValue: self.init(.badRequest, error.description)
        case let error as DecodingError: self.init(.badRequest, error.sentence)
        case let error as PostgresError: self.init(error)
        case is AMQPError, is BrokerAdministration.Failure, is HTTPClientError:
            self.init(
                .serviceUnavailable,
                "RabbitMQ does not answer, or refuses; the conductor's log says why. Try again."
            )
        case is NIOTooManyBytesError: self.init(.contentTooLarge, "The body is too large.")
        case let error as HTTPError where error.status == .notFound:
            self.init(.notFound, error.body ?? "There is nothing at this path; see /openapi.json for what there is.")
        case let error as any HTTPResponseError where error.status.code < 500:
            self.init(error.status, (error as? HTTPError)?.body ?? error.status.reasonPhrase)
        case is CancellationError:
            self.init(.serviceUnavailable, "The conductor is stopping; try again.")
        default: return nil
        }
    }

    private init(_ refusal: MachineRefusal) {
        switch refusal.reason {
        case .invalid, .wrongState, .neverFits: self.init(.badRequest, refusal.message)
        case .notFound: self.init(.notFound, refusal.message)
        case .nameTaken: self.init(.conflict, refusal.message)
        case .conflict: self.init(.conflict, refusal.message, reason: "conflict")
        case .idempotencyMismatch: self.init(.unprocessableContent, refusal.message)
        case .noCapacity: self.init(.conflict, refusal.message, reason: "no_capacity")
        case .noPrivateAddress: self.init(.conflict, refusal.message, reason: "no_private_address")
        case .noFloatingIP: self.init(.conflict, refusal.message, reason: "no_floating_ip")
        case .floatingIPInUse: self.init(.conflict, refusal.message, reason: "in_use")
        }
    }

    private init(_ refusal: ResourceRefusal) {
        switch refusal.reason {
        case .invalid, .wrongState: self.init(.badRequest, refusal.message)
        case .notFound: self.init(.notFound, refusal.message)
        case .taken: self.init(.conflict, refusal.message)
        case .inUse: self.init(.conflict, refusal.message, reason: "in_use")
        case .exhausted: self.init(.conflict, refusal.message, reason: "exhausted")
        case .forbidden: self.init(.forbidden, refusal.message)
        }
    }

    private init?(_ error: PostgresError) {
        switch error.kind {
        // character_not_in_repertoire: nothing but U+0000 gets here, since all else is valid UTF-8.
        case .server("22021"):
            self.init(.badRequest, "A text holds the character U+0000, which cannot be kept; leave it out.")
        case .connection:
            self.init(.serviceUnavailable, "The database does not answer; nothing was changed. Try again.")
        case .outcomeUnknown:
            self.init(
                .serviceUnavailable,
                "The database broke off; it is not known whether the request was carried out. Look, or repeat it "
                    + "with the same Idempotency-Key."
            )
        case .server, .decoding: return nil
        }
    }
}

extension NodeRefusal.Reason {
    /// The HTTP status that says it.
    var status: HTTPResponse.Status {
        switch self {
        case .unauthorized, .joinToken: .unauthorized
        case .outdated, .wrongIdentity, .conflict: .conflict
        case .declaredDead, .overtaken, .unsurveyed: .gone
        case .unsupportedVersion: .badRequest
        case .notFound: .notFound
        }
    }

    /// The stable code that names it.
    var code: String {
        switch self {
        case .unauthorized: "unauthorized"
        case .outdated: "outdated_epoch"
        case .declaredDead: "declared_dead"
        case .overtaken: "session_overtaken"
        case .unsurveyed: "unsurveyed"
        case .wrongIdentity: "wrong_identity"
        case .conflict: "conflict"
        case .unsupportedVersion: "unsupported_version"
        case .notFound: "not_found"
        case .joinToken(let fault): "join_token_\(fault.rawValue)"
        }
    }
}

extension DecodingError {
    /// What is wrong with the JSON, by the name of the field.
    fileprivate var sentence: String {
        switch self {
        case .keyNotFound(let key, let context): "\(Self.path(context.codingPath + [key])) is missing."
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(Self.path(context.codingPath)) has to be \(Self.word(for: type))."
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            "The body is not JSON."
        case .dataCorrupted(let context): "\(Self.path(context.codingPath)): \(context.debugDescription)"
        @unknown default: "The body cannot be read."
        }
    }

    /// Such as `security_rules[0].direction`.
    static func path(_ keys: [any CodingKey]) -> String {
        guard !keys.isEmpty else { return "The body" }
        return keys.reduce("") { path, key in
            if let index = key.intValue { return "\(path)[\(index)]" }
            return path.isEmpty ? key.stringValue : "\(path).\(key.stringValue)"
        }
    }

    private static func word(for type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is any ExpressibleByArrayLiteral.Type: "a list"
        default: "an object"
        }
    }
}
