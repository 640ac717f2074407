// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import Hummingbird

/// `/v1/admin/images`: images. One is not changed, but deleted and made anew.
struct AdminImageRoutes: Sendable {
    let store: ImageStore
    let regions: RegionStore

    func add(to admin: RouterGroup<OperatorContext>) {
        let images = admin.group("images")
        images.get { request, _ in
            let paging = try Paging(request)
            let page = try await store.images(
                paging.rows(search: request.text("search")),
                region: try await regions.id(in: request)
            )
            return try Response.json(page, paging, message: "These are the images.") { AdminImageBody($0) }
        }
        images.post { request, _ in
            let image = try NewImage(await request.json(CreateImageRequest.self))
            let record = try await store.create(image)
            return try Response.json(AdminImageBody(record), message: "The image was created.")
        }
        images.get(":id") { _, context in
            let record = try await store.image(try context.identifier("image"))
            return try Response.json(AdminImageBody(record), message: "This is the image.")
        }
        images.delete(":id") { _, context in
            try await store.remove(try context.identifier("image"))
            return try Response.json(message: "The image was deleted; machines made from it stay.")
        }
    }
}

extension NewImage {
    private static let maximumNameLength = 255
    private static let maximumTextLength = 1000
    private static let maximumURLLength = 2048

    /// - Throws: ``APIError`` that names the field.
    fileprivate init(_ body: CreateImageRequest) throws(APIError) {
        guard let format = ImageSource.Format(rawValue: body.format) else {
            throw .invalid("format", "“\(body.format)” is neither qcow2 nor raw.")
        }
        let size = body.size ?? 0
        guard size >= 0 else { throw .invalid("size", "it is \(size); it cannot be below 0.") }
        self.init(
            region: body.region,
            name: try TextField.check(body.name, "name", maximumLength: Self.maximumNameLength),
            url: try Self.url(body.url),
            sha256: try Self.digest(body.sha256),
            format: format,
            size: size
        )
        let limit = Self.maximumTextLength
        type = try TextField.optional(body.type, "type", maximumLength: limit) ?? ""
        version = try TextField.optional(body.version, "version", maximumLength: limit) ?? ""
        description = try TextField.optional(body.description, "description", maximumLength: limit) ?? ""
    }

    private static func url(_ text: String) throws(APIError) -> String {
        guard text.utf8.count <= maximumURLLength else {
            throw .invalid("url", "it has \(text.utf8.count) bytes; it may have \(maximumURLLength).")
        }
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), let url = URL(string: text),
            let parts = URLComponents(string: text)
        else {
            throw .invalid("url", "“\(text)” is no URL; percent-encode what is not plain ASCII.")
        }
        let host = parts.host ?? ""
        switch parts.scheme {
        case "file" where host.isEmpty && url.path(percentEncoded: false).hasPrefix("/"): return text
        case "http" where !host.isEmpty, "https" where !host.isEmpty: return text
        default: throw .invalid("url", "“\(text)” is none of file:///PATH, http://HOST/PATH and https://HOST/PATH.")
        }
    }

    private static func digest(_ text: String) throws(APIError) -> SHA256Digest {
        do throws(InvalidValue) {
            return try SHA256Digest(text)
        } catch {
            throw .invalid("sha256", error.description)
        }
    }
}

extension AdminImageBody {
    fileprivate init(_ record: ImageRecord) {
        self.init(
            id: record.id.rawValue,
            region: record.regionName,
            name: record.name,
            type: record.type,
            version: record.version,
            description: record.description,
            url: record.url,
            sha256: record.sha256.description,
            format: record.format.rawValue,
            size: record.size,
            virtualMachineCount: record.machineCount,
            createdAt: Timestamp(record.createdAt)
        )
    }
}
