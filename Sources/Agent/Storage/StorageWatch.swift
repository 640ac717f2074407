// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
package import Logging
package import Observability
import ServiceLifecycle

/// Writes a file to the state directory every few seconds, for `/readyz`: a disk that is full, read-only or hangs says so
/// nowhere else before it is too late.
package struct StorageWatch: Service {
    private let path: String
    private let health: Health
    private let interval: Duration
    private let logger: Logger
    private let worker = FileWorker(name: "storage watch")

    /// The part that it speaks for.
    static let part = "storage"
    /// A disk that has not answered by then counts as one that hangs.
    private static let patience = Duration.seconds(10)

    package init(directory: String, health: Health, interval: Duration = .seconds(10), logger: Logger) {
        path = "\(directory)/.writable"
        (self.health, self.interval, self.logger) = (health, interval, logger)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await look()
                try? await Task.sleep(for: interval)
            }
        }
    }

    /// The write is waited for, however long it takes, so that one that hangs is never two.
    private func look() async {
        let alarm = Task {
            try await Task.sleep(for: Self.patience)
            health.report(Self.part, .ill("\(path) takes longer than \(Self.patience) to be written."))
        }
        defer { alarm.cancel() }
        do throws(Fault) {
            try await worker.run { () throws(Fault) in
                try HostFiles.write(Data(count: 4096), to: path)
                try HostFiles.remove(path)
            }
            health.report(Self.part, .well)
        } catch {
            health.report(Self.part, .ill(error.message))
            logger.warning("The state directory cannot be written", metadata: ["error": "\(error)"])
        }
    }
}
