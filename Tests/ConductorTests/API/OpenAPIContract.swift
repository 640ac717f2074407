// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import HTTPTypes
import Testing

/// What the description of the API says of one answer.
struct OpenAPIContract: Sendable {
    private let document: JSON

    /// The description that the conductor serves.
    static let shared = Result {
        OpenAPIContract(document: try JSONDecoder().decode(JSON.self, from: try OpenAPIDocument.json()))
    }

    /// All operations, as `GET /v1/core/images/{id}`.
    var operations: Set<String> {
        Set(
            paths.flatMap { path, item in
                (item.object ?? [:]).keys.map { "\($0.uppercased()) \(path)" }
            }
        )
    }

    /// Records an issue where an answer is not as the description has it.
    func check(
        _ method: HTTPRequest.Method,
        _ uri: String,
        _ answer: APIAnswer,
        sourceLocation: SourceLocation
    ) {
        let call = "\(method) \(uri)"
        guard let operation = operation(method, uri) else {
            // No route, or none for the method: then it has to be an error that says so.
            #expect(
                [404, 405].contains(answer.status.code),
                "\(call) is not described",
                sourceLocation: sourceLocation
            )
            return
        }
        guard let response = response(operation, answer.status.code),
            let schema = response["content"]?["application/json"]?["schema"]
        else {
            Issue.record("\(call): \(answer.status) is not described", sourceLocation: sourceLocation)
            return
        }
        guard let value = try? JSONDecoder().decode(JSON.self, from: answer.body) else {
            Issue.record("\(call): the answer is no JSON", sourceLocation: sourceLocation)
            return
        }
        for violation in OpenAPISchema(document: document).violations(of: value, schema) {
            Issue.record("\(call): the answer's \(violation)", sourceLocation: sourceLocation)
        }
    }

    private var paths: [String: JSON] { document["paths"]?.object ?? [:] }

    /// The operation whose path fits, the one with the fewest parameters first.
    private func operation(_ method: HTTPRequest.Method, _ uri: String) -> JSON? {
        let segments = Self.segments(of: String(uri.prefix { $0 != "?" }))
        let fitting = paths.filter { path, _ in
            let template = Self.segments(of: path)
            return template.count == segments.count
                && zip(template, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
        let best = fitting.min { $0.key.filter { $0 == "{" }.count < $1.key.filter { $0 == "{" }.count }
        return best?.value[method.rawValue.lowercased()]
    }

    /// Statuses of single operations have to be described; those that any may have are described by `default`.
    private func response(_ operation: JSON, _ status: Int) -> JSON? {
        let general = [405, 413, 429, 500, 503].contains(status)
        let response = operation["responses"]?["\(status)"] ?? (general ? operation["responses"]?["default"] : nil)
        guard let reference = response?["$ref"]?.text else { return response }
        return OpenAPISchema(document: document).resolve(reference)
    }

    private static func segments(of path: String) -> [Substring] { path.split(separator: "/") }
}
