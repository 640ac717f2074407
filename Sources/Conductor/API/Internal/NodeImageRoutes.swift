// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/internal/nodes/{node}/images/{image}`: the image store, for nodes.
struct NodeImageRoutes: Sendable {
    let files: ImageFiles
    let store: SnapshotFileStore

    /// The whole file, or from an offset on, as `Range: bytes=N-` asks.
    func serve(_ request: Request, _ context: some RequestContext) async throws -> Response {
        let image = try Self.image(context)
        guard let size = try await files.size(of: image), size > 0 else {
            throw APIError(.notFound, "The image store has no such file.")
        }
        let offset = Self.offset(request.headers[.range]) ?? 0
        guard (0..<size).contains(offset) else {
            return Response(status: .rangeNotSatisfiable, headers: [.contentRange: "bytes */\(size)"])
        }
        let body = try await FileIO()
            .loadFile(path: files.path(of: image), range: Int(offset)...Int(size - 1), context: context)
        var headers: HTTPFields = [
            .contentType: "application/octet-stream", .acceptRanges: "bytes", .contentLength: "\(size - offset)",
        ]
        if offset > 0 { headers[.contentRange] = "bytes \(offset)-\(size - 1)/\(size)" }
        return Response(status: offset > 0 ? .partialContent : .ok, headers: headers, body: body)
    }

    /// How much of a file has come.
    func uploadState(_ context: some RequestContext, of node: NodeIdentity) async throws -> ImageUploadState {
        try await files.state(of: try await taken(context, by: node))
    }

    /// Takes in what a node sends of a snapshot that it takes.
    func upload(
        _ request: Request,
        _ context: some RequestContext,
        from node: NodeIdentity
    ) async throws -> ImageUploadState {
        let image = try await taken(context, by: node)
        let query = request.uri.queryParameters
        guard let offset = query["offset"].flatMap({ Int64($0) }), let size = query["size"].flatMap({ Int64($0) }),
            let digest = query["sha256"].flatMap({ try? SHA256Digest(String($0)) }), 0 <= offset, offset <= size
        else { throw APIError(.badRequest, "Name offset, size and sha256 in the query.") }
        let state = try await files.append(request.body, to: image, offset: offset, size: size, digest: digest)
        if state.isComplete { try await store.noteFile(image, digest: digest, bytes: size) }
        return state
    }

    private func taken(_ context: some RequestContext, by node: NodeIdentity) async throws -> StoredImageUUID {
        let image = try Self.image(context)
        guard try await store.isTaken(image, by: node.id) else {
            throw APIError(.notFound, "Node \(node.name) takes no such snapshot.")
        }
        return image
    }

    private static func image(_ context: some RequestContext) throws -> StoredImageUUID {
        guard let image = try? StoredImageUUID(context.parameters.get("image") ?? "") else {
            throw APIError(.notFound, "The path names no stored image.")
        }
        return image
    }

    /// N of `bytes=N-`; nil for any other range, which is answered with the whole.
    private static func offset(_ range: String?) -> Int64? {
        guard let range, range.hasPrefix("bytes="), range.hasSuffix("-") else { return nil }
        return Int64(range.dropFirst(6).dropLast())
    }
}
