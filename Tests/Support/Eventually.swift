// SPDX-License-Identifier: Apache-2.0

/// A condition that did not come true.
package struct NeverTrue: Error, CustomStringConvertible {
    package let description: String
}

/// Waits until a condition holds, looking again and again.
///
/// - Parameters:
///   - what: What is waited for, as a sentence for the failure.
///   - timeout: A bound against hanging, generous since the machine may be slow; not a measurement.
///   - condition: Looked at again and again; an error of its own ends the wait.
/// - Throws: ``NeverTrue`` when the time is over.
package func eventually(
    _ what: String,
    timeout: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    try await eventually(what, timeout: timeout) { try await condition() ? true : nil }
}

/// Waits until there is a value and returns it.
@discardableResult
package func eventually<Value>(
    _ what: String,
    timeout: Duration = .seconds(60),
    _ value: () async throws -> Value?
) async throws -> Value {
    let deadline = ContinuousClock.now + timeout
    while true {
        if let value = try await value() { return value }
        guard ContinuousClock.now < deadline else { throw NeverTrue(description: "\(what): not within \(timeout)") }
        try await Task.sleep(for: .milliseconds(50))
    }
}
