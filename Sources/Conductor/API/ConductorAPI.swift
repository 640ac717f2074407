// SPDX-License-Identifier: Apache-2.0

package import Hummingbird
package import Logging
package import Observability
package import Postgres

/// The conductor's routes, put together.
package struct ConductorAPI: Sendable {
    private let database: Database
    private let keys: APIKeyStore
    private let lifecycle: MachineLifecycle
    private let nodes: NodeRoutes
    private let health: Health
    private let logger: Logger

    package init(
        database: Database,
        keys: APIKeyStore,
        lifecycle: MachineLifecycle,
        nodes: NodeRoutes,
        health: Health,
        logger: Logger
    ) {
        (self.database, self.keys, self.lifecycle) = (database, keys, lifecycle)
        (self.nodes, self.health, self.logger) = (nodes, health, logger)
    }

    /// All of them, with what surrounds each.
    package var router: Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.addMiddleware {
            MetricsMiddleware()
            ErrorMiddleware(logger: logger)
        }
        router.get("healthz") { _, _ in health.response }
        nodes.add(to: router)
        let authenticated = router.group("v1").add(middleware: AuthenticationMiddleware(keys: keys))
        addTenantRoutes(to: authenticated.group("core", context: TenantContext.self))
        MethodNotAllowed.add(to: router)
        return router
    }

    private func addTenantRoutes(to core: RouterGroup<TenantContext>) {
        VirtualMachineRoutes(
            database: database,
            lifecycle: lifecycle,
            store: VirtualMachineStore(database: database)
        )
        .add(to: core)
    }
}
