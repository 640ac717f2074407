// SPDX-License-Identifier: Apache-2.0

public import GantryProtocol
import NIOHTTP1

extension APIClient {
    private static let gpus = "v1/admin/gpus"

    /// The GPUs of all nodes, or those that the filters let through.
    public func gpus(
        node: String? = nil,
        state: String? = nil,
        type: String? = nil,
        machine: Int64? = nil
    ) async throws(ClientError) -> [AdminGPUBody] {
        let query = ["node": node, "state": state, "gpu_type": type, "vm": machine.map { "\($0)" }]
        let answer: PageAnswer<AdminGPUBody> = try await call(.GET, Self.gpus, query: query)
        return answer.contents
    }

    /// A GPU with what became of it.
    public func gpu(_ id: Int64) async throws(ClientError) -> AdminGPUAnswer {
        try await call(.GET, "\(Self.gpus)/\(id)")
    }

    /// Keeps other machines off a GPU.
    public func cordonGPU(_ id: Int64, reason: String) async throws(ClientError) -> Answer<AdminGPUBody> {
        try await call(.POST, "\(Self.gpus)/\(id)/cordon", CordonRequest(reason: reason))
    }

    /// Lets machines have a GPU again.
    public func uncordonGPU(_ id: Int64) async throws(ClientError) -> Answer<AdminGPUBody> {
        try await call(.POST, "\(Self.gpus)/\(id)/uncordon")
    }

    /// Has a GPU given back to its host's own drivers, until it is uncordoned.
    public func returnGPU(_ id: Int64, reason: String) async throws(ClientError) -> Answer<AdminGPUBody> {
        try await call(.POST, "\(Self.gpus)/\(id)/return", CordonRequest(reason: reason))
    }

    /// Has a faulty GPU cleaned anew.
    public func retryGPU(_ id: Int64) async throws(ClientError) -> Answer<AdminGPUBody> {
        try await call(.POST, "\(Self.gpus)/\(id)/retry")
    }
}
