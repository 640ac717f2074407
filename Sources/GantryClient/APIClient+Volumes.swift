// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let volumes = "v1/core/volumes"

    /// The types of volumes that can be made.
    public func volumeTypes() async throws(ClientError) -> [String] {
        let answer: VolumeTypesAnswer = try await call(.GET, "v1/core/volume-types")
        return answer.volumeTypes
    }

    /// All volumes, oldest first.
    public func volumes() async throws(ClientError) -> [VolumeBody] {
        let answer: PageAnswer<VolumeBody> = try await call(.GET, Self.volumes)
        return answer.contents
    }

    /// Makes a volume.
    public func createVolume(_ request: CreateVolumeRequest) async throws(ClientError) -> VolumeBody {
        let answer: Answer<VolumeBody> = try await call(.POST, Self.volumes, request)
        return answer.content
    }

    /// A volume; nil when there is none of this id.
    public func volume(_ id: Int64) async throws(ClientError) -> VolumeBody? {
        do {
            let answer: Answer<VolumeBody> = try await call(.GET, "\(Self.volumes)/\(id)")
            return answer.content
        } catch .refused(status: 404, _) {
            return nil
        }
    }

    /// Renames, describes, enlarges or moves a volume.
    @discardableResult
    public func updateVolume(_ id: Int64, _ request: UpdateVolumeRequest) async throws(ClientError) -> VolumeBody {
        let answer: UpdateVolumeAnswer = try await call(.PATCH, "\(Self.volumes)/\(id)", request)
        return answer.volume
    }

    /// Asks for a volume's deletion, with all data.
    @discardableResult
    public func deleteVolume(_ id: Int64) async throws(ClientError) -> StatusBody {
        try await call(.DELETE, "\(Self.volumes)/\(id)")
    }

    /// Asks for volumes to be given to a machine.
    @discardableResult
    public func attachVolumes(_ ids: [Int64], to machine: Int64) async throws(ClientError) -> [VolumeAttachmentBody] {
        let path = "v1/core/virtual-machines/\(machine)/attach-volumes"
        let answer: VolumeAttachmentsAnswer = try await call(.POST, path, AttachVolumesRequest(volumeIDs: ids))
        return answer.volumeAttachments
    }

    /// Protects a volume from being taken away from its machine, or lets it be.
    @discardableResult
    public func protectAttachment(
        _ id: Int64,
        _ isProtected: Bool
    ) async throws(ClientError) -> [VolumeAttachmentBody] {
        let request = UpdateVolumeAttachmentRequest(protected: isProtected)
        let answer: VolumeAttachmentsAnswer = try await call(.PATCH, "v1/core/volume-attachments/\(id)", request)
        return answer.volumeAttachments
    }

    /// Asks for volumes to be taken away from a machine.
    @discardableResult
    public func detachVolumes(_ ids: [Int64], from machine: Int64) async throws(ClientError) -> [VolumeAttachmentBody] {
        let path = "v1/core/virtual-machines/\(machine)/detach-volumes"
        let answer: VolumeAttachmentsAnswer = try await call(.POST, path, DetachVolumesRequest(volumeIDs: ids))
        return answer.volumeAttachments
    }
}
