// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryProtocol
import Hummingbird

extension Request {
    /// Bodies may have this many bytes: `user_data` of 64 KiB fits, escaped or in base64.
    private static let maximumBody = 1 << 20

    /// The body as it was sent, which can be read again afterwards.
    mutating func bytes() async throws -> Data {
        Data(try await collectBody(upTo: Self.maximumBody).readableBytesView)
    }

    /// The JSON body.
    ///
    /// - Throws: `DecodingError` or ``APIError`` that names the field.
    func json<Body: RequestFields>(_ type: Body.Type) async throws -> Body {
        try Self.decode(type, Data(try await body.collect(upTo: Self.maximumBody).readableBytesView))
    }

    /// The JSON body; nil without one.
    ///
    /// - Throws: as ``json(_:)``.
    func jsonIfAny<Body: RequestFields>(_ type: Body.Type) async throws -> Body? {
        let data = Data(try await body.collect(upTo: Self.maximumBody).readableBytesView)
        return data.isEmpty ? nil : try Self.decode(type, data)
    }

    private static func decode<Body: RequestFields>(_ type: Body.Type, _ data: Data) throws -> Body {
        do {
            return try RESTJSON.decoder.decode(Strict<Body>.self, from: data).body
        } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
            // Foundation forgets the place of a number that does not fit its type.
            guard let place = try? RESTJSON.decoder.decode(OddNumbers.self, from: data).places.first else {
                throw DecodingError.dataCorrupted(context)
            }
            throw APIError.invalid(place, "the number cannot be: it is not whole, or too large.")
        }
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

    /// A JSON answer with one thing.
    static func json(_ content: some AnswerContent, message: String) throws -> Response {
        try json(Answer(content, message: message))
    }

    /// A JSON answer with a page of a list.
    static func json<Element, Content: AnswerContent>(
        _ page: Page<Element>,
        _ paging: Paging,
        message: String,
        _ content: (Element) -> Content
    ) throws -> Response {
        try json(
            PageAnswer(
                page.elements.map(content),
                count: page.count,
                page: paging.page,
                pageSize: paging.pageSize,
                message: message
            )
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
        try Self.check(try decoder.container(keyedBy: AnyKey.self), Body.self, path: "")
        body = try Body(from: decoder)
    }

    private static func check(
        _ container: KeyedDecodingContainer<AnyKey>,
        _ type: any RequestFields.Type,
        path: String
    ) throws {
        for name in container.allKeys.map(\.stringValue).sorted() where !type.fieldNames.contains(name) {
            let nearest = Spelling.nearest(to: name, among: type.fieldNames)
            throw APIError.invalid(
                path + name,
                "there is no such field" + (nearest.map { "; “\($0)” is the nearest one." } ?? ".")
            )
        }
        for (name, inner) in type.innerFields {
            try checkInner(AnyKey(stringValue: name), inner, in: container, path: path + name)
        }
    }

    /// What is neither an object nor a list of objects is complained of when the body is read.
    private static func checkInner(
        _ key: AnyKey,
        _ type: any RequestFields.Type,
        in container: KeyedDecodingContainer<AnyKey>,
        path: String
    ) throws {
        if let object = try? container.nestedContainer(keyedBy: AnyKey.self, forKey: key) {
            return try check(object, type, path: path + ".")
        }
        guard var list = try? container.nestedUnkeyedContainer(forKey: key) else { return }
        while !list.isAtEnd {
            let index = list.currentIndex
            guard let object = try? list.nestedContainer(keyedBy: AnyKey.self) else { return }
            try check(object, type, path: "\(path)[\(index)].")
        }
    }
}

/// Where JSON has numbers that are no 64-bit integers.
private struct OddNumbers: Decodable {
    let places: [String]

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: AnyKey.self) {
            places = try object.allKeys.flatMap { try object.decode(OddNumbers.self, forKey: $0).places }
        } else if var list = try? decoder.unkeyedContainer() {
            var places: [String] = []
            while !list.isAtEnd { places += try list.decode(OddNumbers.self).places }
            self.places = places
        } else {
            let value = try decoder.singleValueContainer()
            let isOther =
                value.decodeNil() || (try? value.decode(Bool.self)) != nil || (try? value.decode(String.self)) != nil
                || (try? value.decode(Int64.self)) != nil
            places = isOther ? [] : [DecodingError.path(decoder.codingPath)]
        }
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
