// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryTestSupport
import HTTPTypes
import HummingbirdTesting
import NIOCore
import Testing

@Suite("The API can be read in a browser, from nothing but the conductor")
struct DocumentationTests {
    private func get(_ api: TestAPI, _ path: String) async throws -> APIAnswer {
        try await api.client.execute(uri: path, method: .get, headers: [:], body: nil) { response in
            APIAnswer(status: response.status, headers: response.headers, body: Data(response.body.readableBytesView))
        }
    }

    @Test("The page has every operation and every schema, and each link within it leads somewhere")
    func complete() async throws {
        try await TestAPI.with { api in
            let answer = try await get(api, "/docs")
            #expect(answer.status == .ok)
            #expect(answer.headers[.contentType] == "text/html; charset=utf-8")
            let page = String(decoding: answer.body, as: UTF8.self)
            let document = try JSONDecoder().decode(JSON.self, from: try OpenAPIDocument.json())
            var ids: Set<String> = []
            for (path, item) in document["paths"]?.object ?? [:] {
                for (method, operation) in item.object ?? [:] {
                    let id = try #require(operation["operationId"]?.text)
                    ids.insert(id)
                    let head =
                        "<article id=\"\(id)\">\n<h3><b class=\"\(method.uppercased())\">\(method.uppercased())</b>"
                    #expect(page.contains("\(head) <code>\(path)</code>"), "\(method) \(path)")
                }
            }
            ids.formUnion((document["components"]?["schemas"]?.keys ?? []).map { "schema-\($0)" })
            let anchors = page.matches(of: /id="([^"]+)"/).map { String($0.1) }
            #expect(Set(anchors) == ids.union(["schemas"]))
            #expect(anchors.count == ids.count + 1)
            let links = page.matches(of: /href="([^"]+)"/).map { String($0.1) }
            #expect(links.count > ids.count)
            let known = Set(anchors.map { "#\($0)" } + ["/openapi.json", "/docs/style.css"])
            #expect(Set(links).subtracting(known).isEmpty)
        }
    }

    @Test("Page and style need nothing from elsewhere, and a browser is told to run nothing")
    func closed() async throws {
        try await TestAPI.with { api in
            for path in ["/docs", "/docs/", "/docs/style.css"] {
                let answer = try await get(api, path)
                #expect(answer.status == .ok, "\(path)")
                let policy = answer.headers[.contentSecurityPolicy] ?? ""
                #expect(policy.hasPrefix("default-src 'none'; style-src 'self';"))
                #expect(!policy.contains("unsafe"))
                #expect(answer.headers[.xContentTypeOptions] == "nosniff")
                let text = String(decoding: answer.body, as: UTF8.self)
                for part in ["<script", "style=", "src=", "@import", "url(", "onclick"] {
                    #expect(!text.contains(part), "\(path) \(part)")
                }
            }
        }
    }
}
