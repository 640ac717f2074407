// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let profiles = "v1/core/profiles"

    /// All profiles, oldest first.
    public func profiles() async throws(ClientError) -> [ProfileBody] {
        let answer: ProfilesAnswer = try await call(.GET, Self.profiles)
        return answer.profiles
    }

    public func profile(_ id: Int64) async throws(ClientError) -> ProfileBody {
        let answer: Answer<ProfileBody> = try await call(.GET, "\(Self.profiles)/\(id)")
        return answer.content
    }

    /// Keeps a configuration of machines under a name.
    public func createProfile(_ request: CreateProfileRequest) async throws(ClientError) -> Answer<ProfileBody> {
        try await call(.POST, Self.profiles, request)
    }

    @discardableResult
    public func deleteProfile(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.profiles)/\(id)")
    }
}
