// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/core/callbacks`: what callbacks are signed with, and what became of them.
struct CallbackRoutes: Sendable {
    let store: CallbackStore
    let secrets: CallbackSecretStore

    func add(to core: RouterGroup<TenantContext>) {
        let callbacks = core.group("callbacks")
        callbacks.get("secret", use: showSecret)
        callbacks.post("secret/rotate", use: rotateSecret)
        callbacks.get("deliveries", use: list)
        callbacks.post("deliveries/:id/replay", use: replay)
    }

    private func showSecret(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await secrets.secret(of: context.tenant.organization)
        return try .json(CallbackSecretBody(record), message: "The secret itself is shown once, when it is made.")
    }

    private func rotateSecret(_ request: Request, _ context: TenantContext) async throws -> Response {
        let (record, secret) = try await secrets.rotate(of: context.tenant.organization)
        return try .json(
            CallbackSecretBody(record, secret: secret.text),
            message: "Keep the secret, it is not shown again. The one before it signs beside it for a day."
        )
    }

    private func list(_ request: Request, _ context: TenantContext) async throws -> Response {
        let paging = try Paging(request, maximumSize: 100, whole: false)
        let machine = try request.number("vm_id", in: 1...Int.max).map { VirtualMachineID(Int64($0)) }
        let page = try await store.deliveries(in: context.tenant.organization, of: machine, paging.rows())
        return try .json(page, paging, message: "Getting callback deliveries successful") { CallbackDeliveryBody($0) }
    }

    private func replay(_ request: Request, _ context: TenantContext) async throws -> Response {
        let record = try await store.replay(
            context.identifier("callback delivery"),
            in: context.tenant.organization
        )
        return try .json(CallbackDeliveryBody(record), message: "The callback is sent again.")
    }
}

extension CallbackSecretBody {
    fileprivate init(_ record: CallbackSecretRecord, secret: String? = nil) {
        self.init(
            secret: secret,
            createdAt: Timestamp(record.createdAt),
            previous: record.previous.map {
                Previous(createdAt: Timestamp($0.createdAt), expiresAt: Timestamp($0.expiresAt))
            }
        )
    }
}

extension CallbackDeliveryBody {
    fileprivate init(_ record: CallbackDeliveryRecord) {
        self.init(
            id: record.id.rawValue,
            webhookID: record.webhookID,
            vmID: record.machineID?.rawValue,
            volumeID: record.volumeID?.rawValue,
            name: record.name,
            operation: record.operation,
            status: record.status,
            url: record.url,
            state: record.state.rawValue,
            attempts: record.attempts,
            lastError: record.lastError,
            nextAttemptAt: record.state == .waiting ? Timestamp(record.nextAttemptAt) : nil,
            createdAt: Timestamp(record.createdAt)
        )
    }
}

extension CallbackDeliveryRecord {
    fileprivate var machineID: VirtualMachineID? {
        if case .machine(let id) = resource { id } else { nil }
    }

    fileprivate var volumeID: VolumeID? {
        if case .volume(let id) = resource { id } else { nil }
    }
}
