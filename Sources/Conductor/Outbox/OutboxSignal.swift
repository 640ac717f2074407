// SPDX-License-Identifier: Apache-2.0

/// Wakes this conductor's relay right after a commit that left something to send.
///
/// It is only for speed: the relay also looks by itself, which is how it finds what other conductors or a process that
/// died left.
package final class OutboxSignal: Sendable {
    /// Yields after one or more raises; those that come while nobody waits are one.
    package let raised: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    package init() {
        (raised, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    package func raise() {
        continuation.yield()
    }
}
