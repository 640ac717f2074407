// SPDX-License-Identifier: Apache-2.0

import GantryModel
import Postgres

/// Writes down that volumes' callbacks have to be told, within the transaction that changes the volumes.
enum VolumeCallback {
    /// For volumes whose rows are locked, or new.
    ///
    /// - Parameters:
    ///   - volumes: those without a callback are left out.
    ///   - operation: what led to the status.
    ///   - status: in the vendor's words, upper case as callbacks have it.
    /// - Returns: the statement.
    static func tell(_ volumes: [VolumeID], _ operation: CallbackOperation, _ status: String) -> SQL {
        """
        INSERT INTO callback_delivery (organization_id, volume_id, resource_name, url, operation, status)
        SELECT organization_id, id, name, callback_url, \(operation), \(status) FROM volume
        WHERE id = ANY (\(volumes)::bigint[]) AND callback_url IS NOT NULL ORDER BY id
        """
    }
}
