// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Synchronization

/// A directory that several simulated hosts mount.
package final class SimulatedPool: Sendable {
    package let name: String
    /// The volumes that have a file.
    private let files = Mutex<Set<VolumeUUID>>([])

    package init(name: String = "shared") {
        self.name = name
    }

    /// Makes the file of a volume that may be made.
    ///
    /// - Returns: Whether it is there.
    func makes(_ volume: VolumeSpec) -> Bool {
        files.withLock { files in
            if volume.isNew { files.insert(volume.uuid) }
            return files.contains(volume.uuid)
        }
    }

    func remove(_ volume: VolumeUUID) {
        files.withLock { _ = $0.remove(volume) }
    }
}
