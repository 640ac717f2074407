// SPDX-License-Identifier: Apache-2.0

package import GantryModel
package import Hummingbird
package import Logging
package import Observability
package import Postgres
package import Settings

/// The conductor's routes, put together.
package struct ConductorAPI: Sendable {
    private let database: Database
    private let keys: APIKeyStore
    private let lifecycle: MachineLifecycle
    private let nodes: NodeRoutes
    private let registry: NodeRegistry
    private let callbacks: CallbackPolicy
    private let consoles: ConsoleSettings
    private let authorities: CertificateAuthorities?
    private let limiter: RateLimiter<APIKeyID>
    private let probes: ProbeRoutes
    private let logger: Logger

    /// - Parameters:
    ///   - database: where all is kept.
    ///   - keys: those of users.
    ///   - lifecycle: what is asked of machines.
    ///   - nodes: the routes for agents.
    ///   - registry: makes and removes nodes.
    ///   - callbacks: where tenants' callbacks may go.
    ///   - consoles: how tenants reach machines' displays.
    ///   - authorities: what hosts that join shall know the conductor by; nil for what the system trusts.
    ///   - limiter: of each tenant's key.
    ///   - probes: `/healthz` and `/readyz`.
    ///   - logger: gets what failed.
    package init(
        database: Database,
        keys: APIKeyStore,
        lifecycle: MachineLifecycle,
        nodes: NodeRoutes,
        registry: NodeRegistry,
        callbacks: CallbackPolicy = CallbackPolicy(),
        consoles: ConsoleSettings = ConsoleSettings(),
        authorities: CertificateAuthorities? = nil,
        limiter: RateLimiter<APIKeyID>,
        probes: ProbeRoutes,
        logger: Logger
    ) {
        (self.database, self.keys, self.lifecycle) = (database, keys, lifecycle)
        (self.nodes, self.registry, self.callbacks, self.consoles) = (nodes, registry, callbacks, consoles)
        (self.authorities, self.probes, self.logger) = (authorities, probes, logger)
        self.limiter = limiter
    }

    /// All of them, with what surrounds each.
    package var router: Router<APIContext> {
        let router = declaredRoutes
        MethodNotAllowed.add(to: router)
        return router
    }

    /// The same without answers to wrong methods.
    package var declaredRoutes: Router<APIContext> {
        let router = Router(context: APIContext.self)
        router.addMiddleware {
            MetricsMiddleware()
            ErrorMiddleware(logger: logger)
            ConsolePageHeaders()
            FileMiddleware(
                consoles.noVNCDirectory,
                urlBasePath: ConsoleAddress.page,
                searchForIndexHtml: false,
                logger: logger.quieted
            )
        }
        probes.add(to: router)
        OpenAPIDocument.add(to: router)
        DocumentationRoutes.add(to: router)
        nodes.add(to: router)
        JoinRoutes(registry: registry, authorities: authorities, logger: logger).add(to: router)
        let authenticated = router.group("v1")
            .add(middleware: AuthenticationMiddleware(keys: keys))
            .add(middleware: RateLimitMiddleware(limiter: limiter))
            .add(middleware: AccessMiddleware(database: database))
        addTenantRoutes(to: authenticated.group("core", context: TenantContext.self))
        TenantKeyRoutes(store: keys).add(to: authenticated.group("api-key", context: TenantContext.self))
        addOperatorRoutes(to: authenticated.group("admin", context: OperatorContext.self))
        return router
    }

    private func addTenantRoutes(to core: RouterGroup<TenantContext>) {
        VirtualMachineRoutes(
            database: database,
            lifecycle: lifecycle,
            store: VirtualMachineStore(database: database),
            callbacks: callbacks,
            publicURL: consoles.publicURL,
            hasImageStore: nodes.hasImages
        )
        .add(to: core)
        FirewallRoutes(store: FirewallStore(database: database), lifecycle: lifecycle).add(to: core)
        let callbackStore = CallbackStore(database: database)
        CallbackRoutes(store: callbackStore, secrets: CallbackSecretStore(database: database)).add(to: core)
        QuotaRoutes(store: QuotaStore(database: database)).add(to: core)
        ProfileRoutes(store: ProfileStore(database: database)).add(to: core)
        EnvironmentRoutes(store: EnvironmentStore(database: database)).add(to: core)
        KeypairRoutes(store: KeypairStore(database: database)).add(to: core)
        CatalogRoutes(
            regions: RegionStore(database: database),
            flavors: FlavorStore(database: database),
            images: ImageStore(database: database)
        )
        .add(to: core)
        let volumeStore = VolumeStore(database: database)
        VolumeRoutes(store: volumeStore, lifecycle: lifecycle, callbacks: callbacks).add(to: core)
        VolumeAttachmentRoutes(store: volumeStore).add(to: core)
        SnapshotRoutes(store: SnapshotStore(database: database), lifecycle: lifecycle).add(to: core)
        StockRoutes(store: StockStore(database: database)).add(to: core)
    }

    private func addOperatorRoutes(to admin: RouterGroup<OperatorContext>) {
        let regions = RegionStore(database: database)
        OrganizationRoutes(store: OrganizationStore(database: database)).add(to: admin)
        QuotaRoutes(store: QuotaStore(database: database)).add(to: admin)
        UserRoutes(store: UserStore(database: database)).add(to: admin)
        APIKeyRoutes(store: keys).add(to: admin)
        AdminRegionRoutes(store: regions).add(to: admin)
        AdminFlavorRoutes(store: FlavorStore(database: database), regions: regions).add(to: admin)
        AdminImageRoutes(store: ImageStore(database: database), regions: regions).add(to: admin)
        FloatingIPPoolRoutes(store: FloatingIPPoolStore(database: database), regions: regions).add(to: admin)
        AdminNodeRoutes(
            store: NodeStore(database: database),
            registry: registry,
            regions: regions,
            drains: NodeDrain(database: database, limits: lifecycle.limits, outbox: lifecycle.outbox),
            deaths: NodeDeath(database: database, limits: lifecycle.limits, outbox: lifecycle.outbox, logger: logger)
        )
        .add(to: admin)
        JoinTokenRoutes(store: JoinTokenStore(database: database), regions: regions, authorities: authorities)
            .add(to: admin)
        AdminGPURoutes(store: GPUStore(database: database)).add(to: admin)
        OrphanRoutes(store: OrphanStore(database: database)).add(to: admin)
        DeadLetterRoutes(store: DeadLetterStore(database: database)).add(to: admin)
    }
}
