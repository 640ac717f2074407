// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol

/// A volume as a disk of a domain. The guest knows it by the serial number, which is the volume's own.
package struct VolumeDisk: Hashable, Sendable {
    let serial: String
    let path: String
    /// Such as `vdc`. The guest may call it otherwise.
    let target: String

    init(_ volume: VolumeUUID, at path: String, target: String) {
        (serial, self.path, self.target) = (volume.serial, path, target)
    }

    package var xml: XML {
        XML("disk", ["type": "file", "device": "disk"]) {
            XML("driver", ["name": "qemu", "type": "qcow2", "cache": "none", "io": "native", "discard": "unmap"])
            XML("source", ["file": path])
            // A volume stands on no other file; without this QEMU would ask it (CVE-2024-32498).
            XML("backingStore")
            XML("target", ["dev": target, "bus": "virtio"])
            XML("serial", text: serial)
        }
    }

    /// How many volumes a machine may have.
    package static let maximumCount = 10
    /// What they can be called; the machine's own disk and its seed come before.
    static let targets = "cdefghijkl".map { "vd\($0)" }
    static let rootTarget = "vda"
}
