// SPDX-License-Identifier: Apache-2.0

package import GantryModel
import Postgres

extension VolumeStore {
    /// Sets whether an attachment may be detached.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`.
    package func setProtected(
        _ isProtected: Bool,
        of id: VolumeAttachmentID,
        in organization: OrganizationID
    ) async throws -> VolumeAttachmentRecord {
        try await database.transaction { transaction in
            let rows = try transaction.query(
                """
                UPDATE volume_attachment a SET protected = \(isProtected) FROM volume v
                WHERE a.id = \(id) AND v.id = a.volume_id AND v.organization_id = \(organization) RETURNING v.id
                """
            )
            guard let volume: VolumeID = try rows.first?["id"],
                let attachment = try Self.record(volume, in: organization, transaction).attachment
            else { throw ResourceRefusal(.notFound, "Volume attachment \(id) does not exist.") }
            return attachment
        }
    }

    // MARK: - Callbacks

    /// Sets the URL of a volume that has none, or deletes or replaces the one it has.
    ///
    /// - Parameters:
    ///   - url: nil to delete it: what waits to be told is not told any more. What waits goes to another one.
    ///   - isNew: whether the volume must have none yet; else it must have one.
    ///   - id: the volume.
    ///   - organization: whose it is.
    /// - Returns: the volume's name.
    /// - Throws: ``ResourceRefusal`` with `notFound` or `wrongState`.
    package func setCallback(
        _ url: String?,
        isNew: Bool,
        of id: VolumeID,
        in organization: OrganizationID
    ) async throws -> String {
        try await database.transaction { transaction in
            let volume = try LockedVolume.lock([id], in: organization, transaction)[0]
            let current: String? = try transaction.query("SELECT callback_url FROM volume WHERE id = \(id)")
                .first?["callback_url"]
            guard (current == nil) == isNew else {
                throw ResourceRefusal(
                    .wrongState,
                    isNew
                        ? "Volume “\(volume.name)” has a callback URL already; use update-callback."
                        : "Volume “\(volume.name)” has no callback URL; use attach-callback."
                )
            }
            try transaction.execute("UPDATE volume SET callback_url = \(url) WHERE id = \(id)")
            try transaction.execute(
                """
                UPDATE callback_delivery SET url = coalesce(\(url)::text, url),
                    state = CASE WHEN \(url)::text IS NULL THEN 'cancelled' ELSE state END,
                    leased_until = CASE WHEN \(url)::text IS NULL THEN NULL ELSE leased_until END,
                    next_attempt_at = CASE WHEN leased_until > now() THEN next_attempt_at ELSE now() END
                WHERE volume_id = \(id) AND state = 'waiting'
                """
            )
            return volume.name
        }
    }
}
