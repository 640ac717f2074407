// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import Observability
import ServiceLifecycle

/// Runs the metadata service, and starts it again when its address was not there: guests run without it, so it must
/// not take the agent down.
struct MetadataServer: Service {
    let service: MetadataService
    let address: String
    let port: Int
    let health: Health
    let logger: Logger

    func run() async throws {
        while !Task.isShuttingDownGracefully {
            do {
                health.report("metadata", .well)
                // It ends by itself, and well, when the program is to end.
                return try await service.application(host: address, port: port).run()
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                health.report("metadata", .ill("\(error)"))
                logger.warning("The metadata service could not listen", metadata: ["error": "\(error)"])
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(5)) }
        }
    }
}
