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

    public func environment(_ id: Int64) async throws(ClientError) -> EnvironmentBody {
        let answer: Answer<EnvironmentBody> = try await call(.GET, "\(Self.environments)/\(id)")
        return answer.content
    }

    public func renameEnvironment(_ id: Int64, to name: String) async throws(ClientError) -> Answer<EnvironmentBody> {
        try await call(.PUT, "\(Self.environments)/\(id)", RenameRequest(name: name))
    }

    /// How many machines an environment's network has room for.
    public func environmentQuota(_ id: Int64) async throws(ClientError) -> EnvironmentQuotaBody {
        try await call(.GET, "\(Self.environments)/\(id)/vm-quota")
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

    public func renameKeypair(_ id: Int64, to name: String) async throws(ClientError) -> Answer<KeypairBody> {
        try await call(.PUT, "v1/core/keypair/\(id)", RenameRequest(name: name))
    }

    /// The types of public keys that can be imported.
    public func keypairTypes() async throws(ClientError) -> [String] {
        let answer: SupportedKeypairsAnswer = try await call(.GET, "v1/core/supported-keypairs")
        return answer.supportedKeyTypes
    }

    /// Deletes a key. Machines that were made with it keep it.
    @discardableResult
    public func deleteKeypair(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "v1/core/keypair/\(id)")
    }
}
