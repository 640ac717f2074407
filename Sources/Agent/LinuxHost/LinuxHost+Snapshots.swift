// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol

extension LinuxHost {
    /// Copies a machine's root disk, brings the copy to the image store and removes it here.
    ///
    /// - Returns: a ``SnapshotResult`` as JSON.
    func takeSnapshot(of task: MachineTask, as image: StoredImageUUID) async throws(Fault) -> String {
        guard let store else { throw Fault(.specUnsupported, "The node's agent reaches no image store.") }
        let path = "\(snapshotsDirectory)/\(image).qcow2"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await files.run { () async throws(Fault) in try HostFiles.makeDirectory(snapshotsDirectory, mode: 0o711) }
        let snapshot = SnapshotFile(hypervisor: hypervisor, uuid: "\(task.uuid)", path: path)
        let isConsistent = try await snapshot.take(root: try rootPath(of: task))
        // A thread of its own, since digesting takes a processor for as long as it lasts.
        let look = try await FileWorker(name: "snapshot")
            .run { () async throws(Fault) in try SnapshotFile.look(at: path) }
        try await store.upload(path, as: image, digest: look.digest, size: look.size)
        let result = SnapshotResult(virtualSize: look.virtual, isConsistent: isConsistent)
        // Values of our own types always encode.
        return String(decoding: (try? NodeJSON.encoder.encode(result)) ?? Data(), as: UTF8.self)
    }

    private func rootPath(of task: MachineTask) throws(Fault) -> String {
        guard let volume = task.spec?.rootVolume else { return machineFiles(task.uuid).overlay }
        return try pools.pool(volume.pool).path(of: volume.uuid)
    }
}
