// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Lends an empty directory, removed afterwards.
@discardableResult
package func withTemporaryDirectory<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let path =
        FileManager.default.temporaryDirectory.path
        + "/gantry-test-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
