// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import Hummingbird

/// Which part of a list a client asks for. Without parameters it is the whole list.
struct Paging: Hashable {
    /// From 1; nil for the first.
    let page: Int?
    /// Nil for all on one page.
    let pageSize: Int?

    /// The vendor's default where only the page is given.
    private static let defaultSize = 10

    /// - Parameters:
    ///   - request: with `page` and the size in its query.
    ///   - sizeName: the size's name, which differs between lists.
    ///   - maximumSize: of a page.
    ///   - whole: false for lists that are never shown whole, since they grow without bound.
    /// - Throws: ``APIError`` for what is no number in range.
    init(
        _ request: Request,
        sizeName: String = "pageSize",
        maximumSize: Int = 1000,
        whole: Bool = true
    ) throws {
        let page = try request.number("page", in: 1...Int(Int32.max)) ?? (whole ? nil : 1)
        let size = try request.number(sizeName, in: 1...maximumSize)
        self.page = page
        pageSize = size ?? page.map { _ in Self.defaultSize }
    }

    /// The rows of the page, those whose name holds `search` and that are where a tenant's key reaches.
    func rows(search: String? = nil, reachedBy tenant: Tenant? = nil) -> ListQuery {
        ListQuery(
            search: search,
            environments: tenant?.grant.environments,
            limit: pageSize,
            offset: ((page ?? 1) - 1) * (pageSize ?? 0)
        )
    }
}

extension Request {
    /// A text in the query; nil for none or an empty one. A `+` is a space, as in what forms and most clients send.
    func text(_ name: String) -> String? {
        texts(name).first.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// What the query says under a name, each time it does.
    private func texts(_ name: String) -> [String] {
        (uri.query?.split(separator: "&") ?? [])
            .compactMap { item in
                let parts: [String] = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    .map { part in
                        let text = part.replacing("+", with: " ")
                        return text.removingPercentEncoding ?? String(text)
                    }
                guard parts[0] == name else { return nil }
                return parts.count == 2 ? parts[1] : ""
            }
    }

    /// A list of ids in the query, named once for each or once with commas between.
    ///
    /// - Throws: ``APIError`` for what is no id.
    func numbers(_ name: String) throws -> [Int64] {
        try texts(name).flatMap { $0.split(separator: ",") }
            .map { text in
                guard let number = Int64(text), number > 0 else {
                    throw APIError.invalid(name, "“\(text)” is no id; ids are numbers from 1.")
                }
                return number
            }
    }

    /// A number in the query.
    ///
    /// - Throws: ``APIError`` for what is no number in range.
    func number(_ name: String, in range: ClosedRange<Int>) throws -> Int? {
        guard let text = text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw APIError.invalid(name, "“\(text)” is no number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    /// A truth in the query; false for none.
    ///
    /// - Throws: ``APIError`` for anything but `true`, `false`, `1` and `0`, whatever the case.
    func flag(_ name: String) throws -> Bool {
        guard let text = text(name) else { return false }
        switch text.lowercased() {
        case "true", "1": return true
        case "false", "0": return false
        default: throw APIError.invalid(name, "“\(text)” is neither true nor false.")
        }
    }
}

extension RegionStore {
    /// The region that the query names.
    ///
    /// - Throws: ``ResourceRefusal`` with `notFound`.
    func id(in request: Request) async throws -> RegionID? {
        guard let name = request.text("region") else { return nil }
        return try await id(of: name)
    }
}

extension RequestContext {
    /// The number of a row in the path.
    ///
    /// - Throws: ``APIError`` with status 404, since nothing can be there, for what is no number.
    func identifier<Subject>(_ what: String, _ name: String = "id") throws -> Identifier<Subject> {
        let text = parameters.get(name) ?? ""
        guard let number = Int64(text), number > 0 else {
            throw APIError(.notFound, "“\(text)” is not the id of a \(what); ids are numbers from 1.")
        }
        return Identifier(number)
    }

    /// A text in the path, its percent-encoding taken away.
    func segment(_ name: String) -> String {
        let text = parameters.get(name) ?? ""
        return text.removingPercentEncoding ?? text
    }
}
