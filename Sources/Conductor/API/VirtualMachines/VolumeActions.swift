// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import HTTPTypes
import Hummingbird

/// `…/attach-volumes` and `…/detach-volumes`.
struct VolumeActions: Sendable {
    let lifecycle: MachineLifecycle

    var actions: [MachineAction] {
        [
            MachineAction(.post, "attach-volumes", prepare: attach),
            MachineAction(.post, "detach-volumes", prepare: detach),
        ]
    }

    private func attach(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let body = try await request.json(AttachVolumesRequest.self)
        let (volumes, tenant) = (try Self.volumes(body.volumeIDs), context.tenant)
        return { id in
            let attachments = try await lifecycle.attachVolumes(
                volumes,
                isProtected: body.protected ?? false,
                to: id,
                in: tenant.organization,
                by: tenant.user
            )
            return Self.outcome(attachments, "Volumes attaching now.")
        }
    }

    private func detach(_ request: Request, _ context: TenantContext) async throws -> MachineAction.Work {
        let body = try await request.json(DetachVolumesRequest.self)
        let (volumes, tenant) = (try Self.volumes(body.volumeIDs), context.tenant)
        return { id in
            let attachments = try await lifecycle.detachVolumes(
                volumes,
                from: id,
                in: tenant.organization,
                by: tenant.user
            )
            return Self.outcome(attachments, "Volumes detaching now.")
        }
    }

    private static func volumes(_ ids: [Int64]) throws(APIError) -> [VolumeID] {
        guard !ids.isEmpty else { throw .invalid("volume_ids", "it is empty; name at least one volume.") }
        guard ids.count <= VolumePlace.maximumVolumes else {
            throw .invalid("volume_ids", "there are \(ids.count); a machine may have \(VolumePlace.maximumVolumes).")
        }
        return Set(ids).sorted().map { VolumeID($0) }
    }

    private static func outcome(_ attachments: [VolumeAttachmentRecord], _ message: String) -> MachineOutcome {
        let answer = VolumeAttachmentsAnswer(
            message: message,
            volumeAttachments: attachments.map { VolumeAttachmentBody($0) }
        )
        return MachineOutcome(message, answer: answer)
    }
}
