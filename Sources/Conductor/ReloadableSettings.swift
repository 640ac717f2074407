// SPDX-License-Identifier: Apache-2.0

import GantryModel
import NIOCore
import NIOSSL
import Observability
import Synchronization

/// What a conductor takes of its settings while it runs. Everything else is read once, at its start.
final class ReloadableSettings: Sendable {
    let limiter: RateLimiter<APIKeyID>
    private let listenTLS: Mutex<ListenTLS?>

    init(_ configuration: ConductorConfiguration) {
        limiter = RateLimiter(configuration.rateLimit)
        listenTLS = Mutex(configuration.listenTLS)
    }

    /// Makes them hold.
    ///
    /// - Returns: the keys that were taken.
    func take(_ configuration: ConductorConfiguration) -> Set<String> {
        LoggingBootstrap.setLevel(configuration.logLevel)
        limiter.setLimit(configuration.rateLimit)
        let taken: Set = ["log.level", "rate_limit.requests_per_minute", "rate_limit.burst"]
        return listenTLS.withLock { running in
            // A listener speaks TLS or does not, from its beginning.
            guard running != nil, let new = configuration.listenTLS else { return taken }
            running = new
            return taken.union(["listen.certificate", "listen.key"])
        }
    }

    /// Of a server that shows each new connection the newest certificate; nil for plain HTTP. Connections that are there
    /// go on.
    var serverTLS: TLSConfiguration? {
        guard var configuration = listenTLS.withLock({ $0?.configuration }) else { return nil }
        configuration.sslContextCallback = { [self] _, promise in
            var override = NIOSSLContextConfigurationOverride()
            (override.certificateChain, override.privateKey) = listenTLS.withLock { ($0?.certificates, $0?.key) }
            promise.succeed(override)
        }
        return configuration
    }
}
