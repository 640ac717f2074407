// SPDX-License-Identifier: Apache-2.0

package import Foundation
import Hummingbird
import Yams

/// The API's description, which is the embedded `openapi.yaml`.
package enum OpenAPIDocument {
    /// As JSON, converted once.
    ///
    /// - Throws: when the embedded text is no YAML.
    package static func json() throws -> Data { try converted.get() }

    private static let converted = Result {
        let value = try Yams.load(yaml: String(decoding: PackageResources.openapi_yaml, as: UTF8.self))
        return try JSONSerialization.data(
            withJSONObject: plain(value ?? [String: Any]()),
            options: [.sortedKeys, .withoutEscapingSlashes]
        )
    }

    /// Adds `/openapi.json`, which needs no key.
    static func add(to router: Router<APIContext>) {
        router.get("openapi.json") { _, _ in
            Response(
                status: .ok,
                headers: [.contentType: "application/json"],
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: try json()))
            )
        }
    }

    /// With objects whose keys are text, as JSON has them.
    private static func plain(_ value: Any) -> Any {
        switch value {
        case let object as [AnyHashable: Any]:
            Dictionary(object.map { ("\($0.key.base)", plain($0.value)) }) { first, _ in first }
        case let list as [Any]: list.map { plain($0) }
        default: value
        }
    }
}
