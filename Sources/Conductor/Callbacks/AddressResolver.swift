// SPDX-License-Identifier: Apache-2.0

import DedicatedThread
import Glibc
package import NIOCore

/// Finds the addresses of a callback's receiver.
package struct AddressResolver: Sendable {
    private let lookUp: @Sendable (_ host: String, _ port: Int) async throws -> [SocketAddress]

    /// - Parameter lookUp: gives at least one address, or throws.
    package init(_ lookUp: @escaping @Sendable (_ host: String, _ port: Int) async throws -> [SocketAddress]) {
        self.lookUp = lookUp
    }

    func addresses(of target: CallbackTarget) async throws -> [SocketAddress] {
        if let literal = target.literal { return [literal] }
        return try await lookUp(target.host, target.port)
    }

    /// The host's resolver.
    package static let system = AddressResolver { host, port in
        // A thread for each, since a name server that does not answer holds up its thread for many seconds.
        let thread = DedicatedThread(name: "gantry-resolve")
        let results = AsyncStream<Result<[SocketAddress], any Error>> { continuation in
            let lookUp = Task {
                do {
                    continuation.yield(.success(try await thread.run { try resolve(host, port) }))
                } catch {
                    continuation.yield(.failure(error))
                }
            }
            // The call cannot be broken off; its thread ends by itself when the resolver gives up.
            let limit = Task {
                try await Task.sleep(for: timeLimit)
                continuation.finish()
            }
            continuation.onTermination = { _ in
                lookUp.cancel()
                limit.cancel()
            }
        }
        for await result in results { return try result.get() }
        throw CallbackFailure("The name \(host) was not resolved within \(timeLimit.components.seconds) s.")
    }

    private static let timeLimit = Duration.seconds(10)

    private static func resolve(_ host: String, _ port: Int) throws -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let list else {
            throw CallbackFailure("The name \(host) has no address: \(String(cString: gai_strerror(code))).")
        }
        defer { freeaddrinfo(list) }
        return sequence(first: list) { $0.pointee.ai_next }
            .compactMap { entry in
                guard let address = entry.pointee.ai_addr else { return nil }
                switch entry.pointee.ai_family {
                case AF_INET:
                    return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress($0.pointee) }
                case AF_INET6:
                    return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee) }
                default: return nil
                }
            }
    }
}
