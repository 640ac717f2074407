// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol

/// A place for volumes: one qcow2 file each. Its calls block, and may do so for long where the place is on a network.
package protocol StoragePool: Sendable {
    /// What the conductor and tenants call it.
    var name: String { get }
    var kind: StoragePoolInventory.Kind { get }
    /// Where the files are.
    var directory: String { get }

    /// Makes sure that files can be looked for in it.
    ///
    /// - Throws: `volume_unavailable` when nothing that is or is not there means anything now.
    func check() throws(Fault)
}

extension StoragePool {
    /// Where a volume's file is or will be.
    package func path(of volume: VolumeUUID) -> String { "\(directory)/\(volume).qcow2" }

    /// Whether volumes in it can be used now.
    var isAvailable: Bool { (try? check()) != nil }
}

/// A directory on the host's own disk.
package struct LocalPool: StoragePool {
    package let name: String
    package let directory: String

    package init(name: String, directory: String) {
        (self.name, self.directory) = (name, directory)
    }

    package var kind: StoragePoolInventory.Kind { .local }

    package func check() throws(Fault) {
        try HostFiles.makeDirectory(directory, mode: 0o711)
    }
}

/// A directory that several nodes mount, by NFS or the like.
package struct SharedPool: StoragePool {
    package let name: String
    package let directory: String

    /// The operator puts it into the directory that is shared. Where it is missing nothing is mounted: a file made there
    /// would be this host's alone.
    package static let marker = ".gantry-pool"

    package init(name: String, directory: String) {
        (self.name, self.directory) = (name, directory)
    }

    package var kind: StoragePoolInventory.Kind { .shared }

    package func check() throws(Fault) {
        guard FileManager.default.fileExists(atPath: "\(directory)/\(Self.marker)") else {
            throw Fault(.volumeUnavailable, "Storage pool “\(name)” is not mounted on the node; its operator has to.")
        }
    }
}
