// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol

extension VolumeBody {
    /// A volume as the API shows it.
    init(_ record: VolumeRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            description: record.description,
            environment: Environment(name: record.environmentName, region: record.regionName),
            volumeType: record.type,
            size: record.sizeGiB,
            status: record.status,
            imageID: record.imageID?.rawValue,
            osImage: record.imageName,
            callbackURL: record.callbackURL,
            attachments: record.attachment.map { [Attachment($0)] } ?? [],
            createdAt: Timestamp(record.createdAt),
            updatedAt: Timestamp(record.updatedAt)
        )
    }
}

extension VolumeBody.Attachment {
    fileprivate init(_ record: VolumeAttachmentRecord) {
        self.init(
            id: record.id.rawValue,
            instanceID: record.machineID.rawValue,
            status: record.state.rawValue.uppercased(),
            device: record.volumeUUID.device,
            protected: record.isProtected
        )
    }
}

extension VolumeAttachmentBody {
    init(_ record: VolumeAttachmentRecord) {
        self.init(
            id: record.id.rawValue,
            instanceID: record.machineID.rawValue,
            volumeID: record.volumeID.rawValue,
            device: record.volumeUUID.device,
            status: record.state.rawValue.uppercased(),
            protected: record.isProtected,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
