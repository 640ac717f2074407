// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

/// What has a callback URL.
public enum CallbackOwner: Sendable {
    case machine(Int64)
    case volume(Int64)

    fileprivate var path: String {
        switch self {
        case .machine(let id): "v1/core/virtual-machines/\(id)"
        case .volume(let id): "v1/core/volumes/\(id)"
        }
    }
}

extension APIClient {
    private static let callbacks = "v1/core/callbacks"

    // MARK: - URLs

    /// Has the changes of something posted to a URL; what waits for the one that it had goes there.
    public func setCallback(
        _ url: String,
        of owner: CallbackOwner,
        insteadOf former: String?
    ) async throws(ClientError) -> AttachCallbackAnswer {
        let request = AttachCallbackRequest(url: url)
        return if former == nil {
            try await call(.POST, "\(owner.path)/attach-callback", request)
        } else {
            try await call(.PUT, "\(owner.path)/update-callback", request)
        }
    }

    /// Takes the callback URL away; what waits is not posted.
    @discardableResult
    public func deleteCallback(of owner: CallbackOwner) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(owner.path)/delete-callback")
    }

    // MARK: - Deliveries

    /// The newest of what was or is to be posted, at most 100, of all machines or of one.
    public func callbackDeliveries(
        of machine: Int64? = nil,
        limit: Int
    ) async throws(ClientError) -> [CallbackDeliveryBody] {
        let query = ["page": "1", "pageSize": "\(limit)", "vm_id": machine.map { "\($0)" }]
        let answer: PageAnswer<CallbackDeliveryBody> =
            try await call(.GET, "\(Self.callbacks)/deliveries", query: query)
        return answer.contents
    }

    /// Posts a status again.
    public func replayCallback(_ id: Int64) async throws(ClientError) -> Answer<CallbackDeliveryBody> {
        try await call(.POST, "\(Self.callbacks)/deliveries/\(id)/replay")
    }

    // MARK: - Secret

    /// Since when callbacks are signed; the secret itself is not in it.
    public func callbackSecret() async throws(ClientError) -> Answer<CallbackSecretBody> {
        try await call(.GET, "\(Self.callbacks)/secret")
    }

    /// Makes the secret that callbacks are signed with; only this answer has it.
    public func rotateCallbackSecret() async throws(ClientError) -> Answer<CallbackSecretBody> {
        try await call(.POST, "\(Self.callbacks)/secret/rotate")
    }
}
