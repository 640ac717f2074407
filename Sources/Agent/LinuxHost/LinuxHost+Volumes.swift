// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import GantryProtocol
import Libvirt

extension LinuxHost {
    package func remove(_ volume: AbsentVolume) async throws(Fault) {
        try await pools.use(volume.pool) { (pool) async throws(Fault) in
            try VolumeFile.remove(at: pool.path(of: volume.uuid))
        }
    }

    /// Makes the files of a machine's volumes, and makes them as large as wanted where no guest uses them.
    func makeVolumes(of task: MachineTask, _ progress: @escaping @Sendable (Int) -> Void) async throws(Fault) {
        let connection = try await hypervisor.connected(to: .look)
        let xml: String?
        do {
            xml = try await connection.runningDomainXML("\(task.uuid)")
        } catch {
            throw fault(from: error, .hypervisorUnreachable, "The node's hypervisor does not answer.")
        }
        let used = xml.map { RunningDisks(xml: $0).volumes } ?? [:]
        for volume in task.spec?.volumes ?? [] where used[volume.uuid.serial] == nil {
            if volume.isNew, let image = volume.image {
                try await images.ensure(image, diskGiB: volume.sizeGiB, progress: progress)
            }
            let imagePath = volume.image.map { images.path(of: $0) }
            try await pools.use(volume.pool) { (pool) async throws(Fault) in
                try await VolumeFile.ensure(volume, at: pool.path(of: volume.uuid), from: imagePath)
            }
        }
    }

    /// Plugs volumes into the running guest and out of it.
    func plugVolumes(of task: MachineTask) async throws(Fault) {
        var volumes: [(spec: VolumeSpec, path: String)] = []
        for volume in task.spec?.volumes ?? [] {
            volumes.append((volume, try pools.pool(volume.pool).path(of: volume.uuid)))
        }
        let connection = try await hypervisor.connected(to: .change)
        do {
            try await VolumePlugging(connection: connection, uuid: "\(task.uuid)", volumes: volumes).run()
        } catch {
            throw fault(from: error, .volumeUnavailable, "The node's hypervisor could not attach or detach a volume.")
        }
    }
}
