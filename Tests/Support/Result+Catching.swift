// SPDX-License-Identifier: Apache-2.0

extension Result where Failure == any Error {
    /// What an asynchronous call ends with.
    package static func catching(_ body: () async throws -> Success) async -> Result {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
