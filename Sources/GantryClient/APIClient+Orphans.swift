// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let orphans = "v1/admin/orphans"

    /// The orphans, by node: the first hundred.
    public func orphans() async throws(ClientError) -> [OrphanBody] {
        let answer: PageAnswer<OrphanBody> = try await call(.GET, "\(Self.orphans)?pageSize=100")
        return answer.contents
    }

    /// Has a node destroy an orphan with its own disk.
    public func removeOrphan(_ id: Int64) async throws(ClientError) -> Answer<OrphanBody> {
        try await call(.DELETE, "\(Self.orphans)/\(id)")
    }
}
