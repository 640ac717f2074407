// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryProtocol
import HTTPTypes
import Postgres
import Testing

extension TestAPI {
    static let admin = "/v1/admin"

    /// Calls a route below `/v1/admin` as an operator.
    @discardableResult
    func operate(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> APIAnswer {
        try await call(
            method,
            "\(Self.admin)/\(path)",
            body,
            key: Self.operatorsKey,
            sourceLocation: sourceLocation
        )
    }

    /// The one thing that an accepted call of an operator shows.
    func operate<Content: AnswerContent>(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String? = nil,
        showing type: Content.Type,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> Content {
        let answer = try await operate(method, path, body, sourceLocation: sourceLocation)
        #expect(answer.status == .ok, "\(answer)", sourceLocation: sourceLocation)
        return try answer.decoded(Answer<Content>.self).content
    }

    /// A list that an operator is shown.
    func list<Content: AnswerContent>(
        _ path: String,
        of type: Content.Type,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> PageAnswer<Content> {
        try await operate(.get, path, sourceLocation: sourceLocation).decoded(PageAnswer<Content>.self)
    }

    /// Sends bodies that cannot be, and checks that each is refused with its reason and leaves no row in a table.
    ///
    /// - Parameters:
    ///   - cases: a body, the status, and how the complaint begins.
    ///   - path: below `/v1/admin`.
    ///   - rows: counts what a body that is taken would leave, as `number`.
    ///   - method: with which they are sent.
    ///   - sourceLocation: to which failures belong.
    /// - Throws: when a call throws past all handling.
    func refuses(
        _ cases: [(String, HTTPResponse.Status, String)],
        _ path: String,
        rows: SQL,
        method: HTTPRequest.Method = .post,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try await cloud.number(rows)
        for (body, status, complaint) in cases {
            let answer = try await operate(method, path, body, sourceLocation: sourceLocation)
            #expect(answer.status == status, "\(body) \(answer)", sourceLocation: sourceLocation)
            #expect(
                answer.error?.message.hasPrefix(complaint) == true,
                "\(body) \(answer)",
                sourceLocation: sourceLocation
            )
        }
        #expect(try await cloud.number(rows) == before, sourceLocation: sourceLocation)
    }
}
