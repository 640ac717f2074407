// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation

/// A virtual host of one's own in the tests' RabbitMQ.
package struct TemporaryVirtualHost: Sendable {
    package let name: String
    /// The administrator's way in.
    package let configuration: AMQPConfiguration
    /// The same as a URL.
    package let url: String
    private let managementURL: String

    fileprivate init() async throws {
        let services = try await TestServices.shared
        name = "test-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        managementURL = services.managementURL
        url = services.amqpURL.replacing("%2f", with: name)
        configuration = try AMQPConfiguration(url: url)
        try await manage("PUT", "vhosts/\(name)")
        try await manage("PUT", "permissions/\(name)/gantry", #"{"configure":".*","write":".*","read":".*"}"#)
    }

    /// A call to RabbitMQ's management API.
    @discardableResult
    package func manage(_ method: String, _ path: String, _ body: String = "{}") async throws -> String {
        try await shell(
            "curl",
            "-sSf",
            "-X",
            method,
            "-H",
            "content-type: application/json",
            "-d",
            body,
            "\(managementURL)/api/\(path)"
        )
    }

    fileprivate func remove() async throws {
        try await manage("DELETE", "vhosts/\(name)")
    }
}

/// Lends a virtual host, removed afterwards with all in it.
@discardableResult
package func withTemporaryVirtualHost<Value>(
    _ body: (TemporaryVirtualHost) async throws -> Value
) async throws -> Value {
    let host = try await TemporaryVirtualHost()
    let result: Result<Value, any Error>
    do {
        result = .success(try await body(host))
    } catch {
        result = .failure(error)
    }
    try await host.remove()
    return try result.get()
}
