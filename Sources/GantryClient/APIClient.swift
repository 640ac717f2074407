// SPDX-License-Identifier: Apache-2.0

public import AsyncHTTPClient
import Foundation
import GantryProtocol
import NIOCore
public import NIOHTTP1

/// The conductor's API over HTTP, as one user. Operations are extensions, a file for each resource.
public struct APIClient: Sendable {
    private let http: HTTPClient
    /// The conductor's address.
    public let url: String
    private let key: String

    private static let timeout = TimeAmount.seconds(60)
    /// An answer may have this many bytes; a list of some ten thousand machines fits.
    private static let maximumAnswer = 64 << 20

    /// - Parameters:
    ///   - http: lent for the life of this value.
    ///   - url: the conductor's address, without a path.
    ///   - key: the user's API key.
    public init(http: HTTPClient, url: String, key: String) {
        self.http = http
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
    }

    /// Makes a call and reads its answer.
    ///
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - path: below the conductor's address, such as `v1/core/flavors`.
    ///   - query: what follows the path; nil values are left out.
    ///   - body: what to send as JSON.
    ///   - headers: beside the key.
    /// - Returns: the answer of a status from 200 to 299.
    /// - Throws: ``ClientError``.
    public func call<Answer: Decodable>(
        _ method: HTTPMethod,
        _ path: String,
        query: [String: String?] = [:],
        _ body: (any Encodable & Sendable)? = nil,
        headers: [String: String] = [:]
    ) async throws(ClientError) -> Answer {
        let (status, data) = try await send(try request(method, path, query, body, headers))
        guard (200..<300).contains(status) else { throw Self.refusal(status, data) }
        do {
            return try RESTJSON.decoder.decode(Answer.self, from: data)
        } catch {
            throw .unreadable(status: status, "\(error)")
        }
    }

    private func request(
        _ method: HTTPMethod,
        _ path: String,
        _ query: [String: String?],
        _ body: (any Encodable & Sendable)?,
        _ headers: [String: String]
    ) throws(ClientError) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: "\(url)/\(path)\(Self.text(of: query))")
        request.method = method
        request.headers.add(name: "api_key", value: key)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            do {
                request.body = .bytes(ByteBuffer(bytes: try RESTJSON.encoder.encode(body)))
            } catch {
                throw .transport("the request cannot be written as JSON: \(error)")
            }
        }
        return request
    }

    private func send(_ request: HTTPClientRequest) async throws(ClientError) -> (UInt, Data) {
        do {
            let response = try await http.execute(request, timeout: Self.timeout)
            let buffer = try await response.body.collect(upTo: Self.maximumAnswer)
            return (response.status.code, Data(buffer.readableBytesView))
        } catch {
            throw .transport("\(url): \(error)")
        }
    }

    private static func refusal(_ status: UInt, _ data: Data) -> ClientError {
        guard let body = try? RESTJSON.decoder.decode(ErrorBody.self, from: data) else {
            return .unreadable(status: status, String(decoding: data.prefix(500), as: UTF8.self))
        }
        return .refused(status: status, body)
    }

    private static func text(of query: [String: String?]) -> String {
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(encoded($0))" } }.sorted()
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    /// Text as one segment of a path or one value of a query.
    static func encoded(_ text: String) -> String {
        let unreserved = CharacterSet.alphanumerics.intersection(CharacterSet(charactersIn: "\0"..."\u{7F}"))
            .union(CharacterSet(charactersIn: "-._~"))
        return text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text
    }
}
