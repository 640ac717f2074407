// SPDX-License-Identifier: Apache-2.0

public import Logging
public import ServiceLifecycle
import UnixSignals

/// Reads a program's settings again at SIGHUP, and says of each that changed whether it holds from now on.
///
/// Not by watching the file: an operator says when a file is whole, and that certificates beside it are.
public struct SettingsReload<Configuration>: Service, CustomStringConvertible {
    /// A program's settings, read at one moment.
    public typealias Reading = (configuration: Configuration, effective: EffectiveSettings)

    private let running: EffectiveSettings
    private let read: @Sendable () throws -> Reading
    private let take: @Sendable (Configuration) -> Set<String>
    private let logger: Logger

    /// What the service group logs.
    public var description: String { "settings" }

    /// - Parameters:
    ///   - running: what the program was started with.
    ///   - read: reads the settings anew.
    ///   - take: makes those hold that can, and returns their keys, whether they changed or not.
    ///   - logger: is told what changed, and why nothing was taken.
    public init(
        running: EffectiveSettings,
        read: @escaping @Sendable () throws -> Reading,
        take: @escaping @Sendable (Configuration) -> Set<String>,
        logger: Logger
    ) {
        (self.running, self.read, self.take, self.logger) = (running, read, take, logger)
    }

    public func run() async throws {
        var running = running
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            running = reload(running)
        }
    }

    /// Reads once.
    ///
    /// - Returns: what holds then. What needs a restart is still the old, so that the next reading tells of it again.
    func reload(_ running: EffectiveSettings) -> EffectiveSettings {
        let reading: Reading
        do {
            reading = try read()
        } catch {
            logger.error("The settings were not read again; those from before hold", metadata: ["error": "\(error)"])
            return running
        }
        let takeable = take(reading.configuration)
        let changes = reading.effective.changes(since: running)
        logger.notice(
            "The settings were read again",
            metadata: [
                "taken": .array(changes.filter(takeable.contains).map { .string($0) }),
                "needs_restart": .array(changes.filter { !takeable.contains($0) }.map { .string($0) }),
            ]
        )
        return running.taking(takeable, from: reading.effective)
    }
}
