// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird

/// `/docs`: the API's description to read in a browser, which needs no key.
enum DocumentationRoutes {
    private static let page = Result {
        try DocumentationPage(String(decoding: PackageResources.openapi_yaml, as: UTF8.self)).html.markup
    }

    static func add(to router: Router<APIContext>) {
        router.get("docs") { _, _ in try answer(page.get(), type: "text/html; charset=utf-8") }
        router.get("docs/style.css") { _, _ in
            answer(String(decoding: PackageResources.docs_css, as: UTF8.self), type: "text/css; charset=utf-8")
        }
    }

    /// Nothing in it may run, be fetched from elsewhere or be sent anywhere, and no other page may show it as its own.
    private static let policy =
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private static func answer(_ text: String, type: String) -> Response {
        var headers: HTTPFields = [.contentType: type, .contentSecurityPolicy: policy, .xContentTypeOptions: "nosniff"]
        if let name = HTTPField.Name("Referrer-Policy") { headers[name] = "no-referrer" }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
