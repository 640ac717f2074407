// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import Hummingbird

extension Request {
    /// Bodies may have this many bytes: `user_data` of 64 KiB fits, escaped or in base64.
    private static let maximumBody = 1 << 20

    /// The JSON body.
    ///
    /// - Throws: `DecodingError` or ``APIError`` that names the field.
    func json<Body: RequestFields>(_ type: Body.Type) async throws -> Body {
        let buffer = try await body.collect(upTo: Self.maximumBody)
        return try RESTJSON.decoder.decode(Strict<Body>.self, from: Data(buffer.readableBytesView)).body
    }
}

extension Response {
    /// A JSON answer.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: try RESTJSON.encoder.encode(value)))
        )
    }

    /// A JSON answer of a sentence alone.
    static func json(message: String) throws -> Response {
        try json(StatusBody(message: message))
    }
}

/// A body without fields that nobody reads.
private struct Strict<Body: RequestFields>: Decodable {
    let body: Body

    init(from decoder: any Decoder) throws {
        let names = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
        for name in names.sorted() where !Body.fieldNames.contains(name) {
            let nearest = Spelling.nearest(to: name, among: Body.fieldNames)
            throw APIError.invalid(
                name,
                "there is no such field" + (nearest.map { "; “\($0)” is the nearest one." } ?? ".")
            )
        }
        body = try Body(from: decoder)
    }
}

/// Any name of a field.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) { nil }
}
