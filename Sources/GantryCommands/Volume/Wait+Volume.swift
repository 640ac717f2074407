// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryProtocol

extension Wait {
    /// Follows a volume until it is as it shall be, or is gone.
    ///
    /// - Returns: Whether it was waited for.
    func follow(
        _ volume: VolumeBody,
        _ client: APIClient,
        until isDone: (VolumeBody) -> Bool
    ) async throws(ClientError) -> Bool {
        guard wait else { return false }
        let read = { () async throws(ClientError) in try await client.volume(volume.id) }
        _ = try await follow(volume.name, read, text: \.words) { current throws(ClientError) in isDone(current) }
        return true
    }
}

extension VolumeBody {
    fileprivate var words: String { attachments.first.map { "\(status) \($0.status)" } ?? status }
}
