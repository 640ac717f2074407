// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

/// Whose quota it is.
public enum QuotaOwner: Sendable {
    case organization(Int64)
    case environment(Int64)

    fileprivate var path: String {
        switch self {
        case .organization(let id): "v1/admin/organizations/\(id)/quota"
        case .environment(let id): "v1/admin/environments/\(id)/quota"
        }
    }
}

extension APIClient {
    /// How much the caller's own organization may have, and has.
    public func quota() async throws(ClientError) -> QuotaBody {
        let answer: Answer<QuotaBody> = try await call(.GET, "v1/core/quota")
        return answer.content
    }

    /// How much an organization or an environment may have, and has.
    public func quota(of owner: QuotaOwner) async throws(ClientError) -> QuotaBody {
        let answer: Answer<QuotaBody> = try await call(.GET, owner.path)
        return answer.content
    }

    /// Sets all limits anew; nil is none.
    public func setQuota(_ limits: QuotaLimits, of owner: QuotaOwner) async throws(ClientError) -> Answer<QuotaBody> {
        try await call(.PUT, owner.path, limits)
    }
}
