// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let environments = "v1/core/environments"
    private static let keypairs = "v1/core/keypairs"

    public func environments() async throws(ClientError) -> [EnvironmentBody] {
        let answer: PageAnswer<EnvironmentBody> = try await call(.GET, Self.environments)
        return answer.contents
    }

    public func createEnvironment(
        _ request: CreateEnvironmentRequest
    ) async throws(ClientError) -> Answer<EnvironmentBody> {
        try await call(.POST, Self.environments, request)
    }

    /// Deletes an environment that has nothing in it any more.
    @discardableResult
    public func deleteEnvironment(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.environments)/\(id)")
    }

    /// The public keys of all environments.
    public func keypairs() async throws(ClientError) -> [KeypairBody] {
        let answer: PageAnswer<KeypairBody> = try await call(.GET, Self.keypairs)
        return answer.contents
    }

    public func importKeypair(_ request: ImportKeypairRequest) async throws(ClientError) -> Answer<KeypairBody> {
        try await call(.POST, Self.keypairs, request)
    }

    /// Deletes a key. Machines that were made with it keep it.
    @discardableResult
    public func deleteKeypair(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "v1/core/keypair/\(id)")
    }
}
