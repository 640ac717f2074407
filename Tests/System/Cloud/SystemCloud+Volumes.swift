// SPDX-License-Identifier: Apache-2.0

import GantryClient
import GantryProtocol
import GantryTestSupport

extension SystemCloud {
    /// Makes a volume of 1 GB as soon as a node has told of the pool.
    func createVolume(_ name: String, type: String = "local") async throws -> VolumeBody {
        try await eventually("the pool “\(type)” is known") { try await api.volumeTypes().contains(type) }
        return try await api.createVolume(
            CreateVolumeRequest(name: name, environmentName: "TestEnv", volumeType: type, size: 1)
        )
    }

    /// Waits until a volume's attachment has a status; nil for none at all.
    func wait(for volume: VolumeBody, attachment status: String?) async throws {
        try await eventually("volume \(volume.name) is \(status ?? "detached")", timeout: .seconds(120)) {
            try await api.volume(volume.id)?.attachments.first?.status == status
        }
    }

    /// Deletes a volume and waits until it is gone.
    func remove(_ volume: VolumeBody) async throws {
        try await api.deleteVolume(volume.id)
        try await eventually("volume \(volume.name) is gone") { try await api.volume(volume.id) == nil }
    }
}
