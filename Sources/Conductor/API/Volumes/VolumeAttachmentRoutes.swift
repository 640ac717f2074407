// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/volume-attachments`: whether volumes may be taken away from their machines.
struct VolumeAttachmentRoutes: Sendable {
    let store: VolumeStore

    func add(to core: RouterGroup<TenantContext>) {
        core.patch("volume-attachments/:id", use: protect)
    }

    private func protect(_ request: Request, _ context: TenantContext) async throws -> Response {
        let body = try await request.json(UpdateVolumeAttachmentRequest.self)
        let attachment = try await store.setProtected(
            body.protected,
            of: context.identifier("volume attachment"),
            in: context.tenant.organization
        )
        return try .json(
            VolumeAttachmentsAnswer(
                message: "Volume attachment \(attachment.id) has been updated",
                volumeAttachments: [VolumeAttachmentBody(attachment)]
            )
        )
    }
}
