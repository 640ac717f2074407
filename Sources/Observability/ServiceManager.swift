// SPDX-License-Identifier: Apache-2.0

public import Logging
import NIOCore
import NIOPosix
public import ServiceLifecycle

/// Tells systemd that the program needs time, that it is ready, how it is, that it lives, and that it ends (sd_notify(3), its
/// protocol).
///
/// By hand, since libsystemd is one more C library for five words on a socket.
public struct ServiceManager: Service {
    private let socket: String
    /// How long systemd waits for a sign of life; nil when it does not. It gets three in that time, so that one that comes
    /// late is no reason to end us.
    private let watchdog: Duration?
    private let parts: Set<String>
    private let health: Health
    private let liveness: Liveness
    private let logger: Logger

    /// - Parameters:
    ///   - environment: systemd says there where it listens; without, there is nobody to tell: nil.
    ///   - parts: those that have to have spoken before the program is ready, well or ill.
    ///   - health: what is told in words.
    ///   - liveness: what is told as a sign of life.
    ///   - logger: for what is wrong with the program or with systemd's socket.
    public init?(
        environment: [String: String],
        parts: Set<String>,
        health: Health,
        liveness: Liveness,
        logger: Logger
    ) {
        guard let socket = environment["NOTIFY_SOCKET"], socket.hasPrefix("/") else { return nil }
        self.socket = socket
        watchdog = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.map { .microseconds($0) }
        (self.parts, self.health, self.liveness, self.logger) = (parts, health, liveness, logger)
    }

    public func run() async throws {
        let channel = try await connect()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await tellHealth(channel) }
            if let watchdog { group.addTask { await tellLife(every: watchdog / 3, channel) } }
            group.addTask {
                try? await gracefulShutdown()
                await send("STOPPING=1", channel)
            }
            await group.next()
            group.cancelAll()
        }
        try await channel.close()
    }

    /// Asks for time again and again, until it is cancelled: for what may be long before the program is ready. Otherwise a
    /// start that takes longer than the service manager waits is ended, and the next one is as long.
    ///
    /// - Parameters:
    ///   - what: is done meanwhile, for whoever asks how the service is.
    ///   - interval: between two words; each asks for three of it, so that one that comes late ends nothing.
    public func extendStart(for what: String, every interval: Duration = .seconds(20)) async {
        do {
            let channel = try await connect()
            while !Task.isCancelled {
                await send("EXTEND_TIMEOUT_USEC=\(Int64(interval * 3 / .microseconds(1)))\nSTATUS=\(what)", channel)
                try? await Task.sleep(for: interval)
            }
            try await channel.close()
        } catch {
            logger.warning("The service manager could not be asked for time.", metadata: ["error": "\(error)"])
        }
    }

    private func connect() async throws -> any Channel {
        try await DatagramBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(unixDomainSocketPath: socket).get()
    }

    private func tellHealth(_ channel: any Channel) async {
        var isReady = false
        for await conditions in health.changes {
            let complaints = health.complaints.map { "\($0.part): \($0.reason)" }
            let line = complaints.isEmpty ? "well" : complaints.joined(separator: "; ")
            var words = "STATUS=\(line.replacing("\n", with: " "))"
            if !isReady, parts.isSubset(of: conditions.keys) {
                words = "READY=1\n" + words
                isReady = true
            }
            await send(words, channel)
        }
    }

    private func tellLife(every interval: Duration, _ channel: any Channel) async {
        while !Task.isCancelled {
            let stalled = liveness.stalled
            if stalled.isEmpty {
                await send("WATCHDOG=1", channel)
            } else {
                let loops = stalled.joined(separator: ", ")
                logger.critical("Loops hang; the service manager ends us soon.", metadata: ["loops": "\(loops)"])
            }
            try? await Task.sleep(for: interval)
        }
    }

    private func send(_ words: String, _ channel: any Channel) async {
        do {
            try await channel.writeAndFlush(ByteBuffer(string: words))
        } catch {
            logger.warning("The service manager could not be told.", metadata: ["error": "\(error)"])
        }
    }
}
