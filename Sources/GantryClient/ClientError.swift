// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol

/// Why a call came to nothing.
public enum ClientError: Error, Sendable, CustomStringConvertible {
    /// The conductor was not reached, or broke off.
    case transport(String)
    /// It said no, or that it failed.
    case refused(status: UInt, ErrorBody)
    /// It answered what this client cannot read.
    case unreadable(status: UInt, String)

    /// The HTTP status, when there was an answer.
    public var status: UInt? {
        switch self {
        case .transport: nil
        case .refused(let status, _), .unreadable(let status, _): status
        }
    }

    /// The stable code of a refusal, such as `no_capacity`.
    public var reason: String? {
        guard case .refused(_, let body) = self else { return nil }
        return body.errorReason
    }

    /// Whether the same call may succeed later as it is.
    public var isRetriable: Bool {
        guard let status else { return true }
        return status == 429 || status >= 500
    }

    public var description: String {
        switch self {
        case .transport(let text): "The conductor cannot be reached: \(text)"
        case .refused(_, let body): body.message
        case .unreadable(let status, let text): "The conductor's answer (status \(status)) cannot be read: \(text)"
        }
    }
}
