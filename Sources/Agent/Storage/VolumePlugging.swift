// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Libvirt

/// Gives a running guest the volumes that it is to have, as large as they are to be, and takes the others away.
struct VolumePlugging {
    let connection: LibvirtConnection
    /// The domain's.
    let uuid: String
    let volumes: [(spec: VolumeSpec, path: String)]

    /// How long a guest may take to let go. One that boots does not notice, so it is asked again meanwhile.
    private static let patience = Duration.seconds(40)
    private static let askAgainAfter = Duration.seconds(8)

    /// - Throws: `LibvirtError`, or ``Fault`` with `volume_held` when the guest does not let go of a volume.
    func run() async throws {
        guard var disks = try await running else { return }
        for volume in volumes where disks.volumes[volume.spec.uuid.serial] == nil {
            let free = VolumeDisk.targets.first { !disks.targets.contains($0) }
            guard let free else { throw Fault(.volumeUnavailable, "The guest has no room for another volume yet.") }
            let disk = VolumeDisk(volume.spec.uuid, at: volume.path, target: free)
            try await connection.attachDevice(disk.xml.text, to: uuid)
            guard let now = try await running else { return }
            disks = now
        }
        for volume in volumes {
            guard let target = disks.volumes[volume.spec.uuid.serial] else { continue }
            try await grow(target, to: UInt64(volume.spec.sizeGiB) << 30)
        }
        let wanted = Set(volumes.map(\.spec.uuid.serial))
        for (serial, target) in disks.volumes where !wanted.contains(serial) {
            try await takeAway(serial, target)
        }
    }

    private func grow(_ target: String, to bytes: UInt64) async throws {
        guard try await connection.diskCapacity(target, of: uuid) < bytes else { return }
        try await connection.resizeDisk(target, of: uuid, to: bytes)
    }

    /// libvirt's call returns before the guest has let go, which is seen when the disk is gone from the domain.
    private func takeAway(_ serial: String, _ target: String) async throws {
        let xml = XML("disk", ["type": "file", "device": "disk"]) {
            XML("target", ["dev": target, "bus": "virtio"])
        }
        let clock = ContinuousClock()
        let end = clock.now + Self.patience
        var nextAsk = clock.now
        while clock.now < end {
            if clock.now >= nextAsk {
                // QEMU refuses to ask a guest that has not answered the last time yet.
                try? await connection.detachDevice(xml.text, from: uuid)
                nextAsk = clock.now + Self.askAgainAfter
            }
            guard let disks = try await running, disks.volumes[serial] != nil else { return }
            try await Task.sleep(for: .milliseconds(250))
        }
        throw Fault(
            .volumeHeld,
            "The guest does not let go of the volume \(serial)…: unmount it there, or stop the machine."
        )
    }

    private var running: RunningDisks? {
        get async throws { try await connection.runningDomainXML(uuid).map { RunningDisks(xml: $0) } }
    }
}
