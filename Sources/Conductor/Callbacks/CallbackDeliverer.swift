// SPDX-License-Identifier: Apache-2.0

package import Logging
import Metrics
package import Postgres
import ServiceLifecycle
import Synchronization

/// Tells callbacks of machines' statuses. Any number of deliverers may run on one database.
///
/// A delivery is leased, posted, and marked when the receiver has answered. No transaction is open meanwhile: a deliverer
/// that dies leaves deliveries whose lease ends, and which are posted again under the same id.
package struct CallbackDeliverer: Service {
    private let queue: CallbackQueue
    private let client: CallbackClient
    private let logger: Logger
    private let pollInterval: Duration

    /// Attempts under way at once.
    private static let maximumAttempts = 64

    /// - Parameters:
    ///   - database: where the deliveries are.
    ///   - client: how they are posted.
    ///   - retry: how long is waited between attempts.
    ///   - logger: for what fails on our side.
    ///   - pollInterval: how often to look for what is due.
    package init(
        database: Database,
        client: CallbackClient,
        retry: CallbackRetry = CallbackRetry(),
        logger: Logger,
        pollInterval: Duration = .seconds(1)
    ) {
        queue = CallbackQueue(database: database, retry: retry)
        self.client = client
        self.logger = logger
        self.pollInterval = pollInterval
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let free = FreeAttempts(Self.maximumAttempts)
            await withDiscardingTaskGroup { group in
                group.addTask {
                    while (try? await Task.sleep(for: pollInterval)) != nil { continuation.yield() }
                }
                for await _ in wakes {
                    for attempt in await leased(free.count) {
                        free.take()
                        group.addTask {
                            await make(attempt)
                            free.giveBack()
                            // The machine's next one may be due now.
                            continuation.yield()
                        }
                    }
                }
                group.cancelAll()
            }
        }
    }

    private func leased(_ limit: Int) async -> [CallbackAttempt] {
        do {
            return try await queue.lease(limit)
        } catch {
            if !(error is CancellationError) {
                logger.warning("Callbacks could not be looked for; they wait.", metadata: ["error": "\(error)"])
            }
            return []
        }
    }

    private func make(_ attempt: CallbackAttempt) async {
        do {
            do {
                try await client.post(attempt.message)
                Self.delivered.increment()
                try await queue.succeed(attempt)
            } catch let failure as CallbackFailure {
                Self.failed.increment()
                try await queue.fail(attempt, failure)
            }
        } catch is CancellationError {
            return
        } catch {
            // No URL: tenants put secrets into theirs.
            logger.warning(
                "What became of a callback is not known; it is posted again.",
                metadata: ["callback.delivery.id": "\(attempt.delivery)", "error": "\(error)"]
            )
        }
    }

    private static let delivered = Counter(label: "gantry.callback.delivered")
    private static let failed = Counter(label: "gantry.callback.failed")
}

/// How many attempts may begin now.
private final class FreeAttempts: Sendable {
    private let free: Atomic<Int>

    init(_ count: Int) { free = Atomic(count) }

    var count: Int { free.load(ordering: .relaxed) }
    func take() { free.subtract(1, ordering: .relaxed) }
    func giveBack() { free.add(1, ordering: .relaxed) }
}
