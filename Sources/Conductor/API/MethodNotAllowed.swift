// SPDX-License-Identifier: Apache-2.0

import Hummingbird

/// Tells a wrong method at a right path from a wrong path, which the router does not.
enum MethodNotAllowed {
    private static let methods: [HTTPRequest.Method] = [
        .get, .post, .put, .patch, .delete, .head, .options, .trace, .query,
    ]

    /// Answers 405 at every path that the router has, for the methods that it does not have there. To be called last.
    static func add(to router: Router<APIContext>) {
        let known = Dictionary(grouping: router.routes, by: \.path.description).mapValues { Set($0.map(\.method)) }
        for (path, allowed) in known {
            let list = methods.filter { allowed.contains($0) }.map(\.rawValue).joined(separator: ", ")
            for method in methods where !allowed.contains(method) {
                router.on(RouterPath(path), method: method) { _, _ -> Response in
                    var error = APIError(.methodNotAllowed, "\(method) is not for this path; use \(list).")
                    error.headers[.allow] = list
                    throw error
                }
            }
        }
    }
}
