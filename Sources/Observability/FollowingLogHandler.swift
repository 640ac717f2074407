// SPDX-License-Identifier: Apache-2.0

public import Logging

/// Goes by the level that holds when something is logged, not by that of when its logger was made.
public struct FollowingLogHandler: LogHandler {
    private var handler: any LogHandler
    private let level: @Sendable () -> Logger.Level
    /// Of this logger alone, which tells no more than the others do.
    private var ownLevel = Logger.Level.trace

    /// - Parameters:
    ///   - handler: takes what is logged.
    ///   - level: the least that any logger tells now.
    public init(_ handler: any LogHandler, level: @escaping @Sendable () -> Logger.Level) {
        (self.handler, self.level) = (handler, level)
    }

    public var logLevel: Logger.Level {
        get { max(level(), ownLevel) }
        set { ownLevel = newValue }
    }

    public var metadata: Logger.Metadata {
        get { handler.metadata }
        set { handler.metadata = newValue }
    }

    public var metadataProvider: Logger.MetadataProvider? {
        get { handler.metadataProvider }
        set { handler.metadataProvider = newValue }
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { handler[metadataKey: key] }
        set { handler[metadataKey: key] = newValue }
    }

    public func log(event: LogEvent) { handler.log(event: event) }
}
