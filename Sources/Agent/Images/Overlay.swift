// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol

/// A machine's root disk: a qcow2 file that holds what differs from the image.
package enum Overlay {
    /// Makes the overlay where there is none. One that is there is the guest's data and is never touched.
    package static func ensure(_ spec: MachineSpec, at path: String, over imagePath: String) async throws(Fault) {
        guard !FileManager.default.fileExists(atPath: path) else { return }
        let temporary = path + ".new"
        do {
            try HostFiles.remove(temporary)
            try await Command(
                "qemu-img",
                [
                    "create", "-q", "-f", "qcow2", "-F", spec.image.format.rawValue, "-b", imagePath, temporary,
                    "\(spec.resources.diskGiB)G",
                ]
            )
            .run()
            try HostFiles.publish(temporary, as: path, mode: 0o600)
        } catch {
            try? HostFiles.remove(temporary)
            throw HostFiles.fault(from: error, "The disk could not be made on the node.")
        }
    }
}
