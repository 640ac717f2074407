// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

// MARK: - Settings

/// Held by every target: Swift 6, the upcoming features that make imports and existentials explicit, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// Held by the three targets that touch C: every unsafe expression is marked.
let strictAndMemorySafe = strict + [.strictMemorySafety()]

// MARK: - Dependencies

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncAlgorithms = Target.Dependency.product(name: "AsyncAlgorithms", package: "swift-async-algorithms")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTesting = Target.Dependency.product(name: "HummingbirdTesting", package: "hummingbird")
let hummingbirdTLS = Target.Dependency.product(name: "HummingbirdTLS", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let systemPackage = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "gantry",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "gantry-conductor", targets: ["gantry-conductor"]),
        .executable(name: "gantry-agent", targets: ["gantry-agent"]),
        .executable(name: "gantry", targets: ["gantry"]),
        // For the benchmarks, which are a package of their own.
        .library(name: "SimulatedFleet", targets: ["SimulatedFleet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-async-algorithms", exact: "1.1.4"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        // MARK: - C libraries: module maps and shims
        .systemLibrary(name: "CLibvirt", pkgConfig: "libvirt-qemu", providers: [.apt(["libvirt-dev"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CRabbitMQ", pkgConfig: "librabbitmq", providers: [.apt(["librabbitmq-dev"])]),

        // MARK: - Wrappers: the only targets that import C
        /// A serial executor on one OS thread, for C libraries whose calls block.
        .target(name: "DedicatedThread", swiftSettings: strict),
        .target(name: "Libvirt", dependencies: ["CLibvirt", "DedicatedThread"], swiftSettings: strictAndMemorySafe),
        .target(name: "Postgres", dependencies: ["CPostgres", "DedicatedThread"], swiftSettings: strictAndMemorySafe),
        .target(name: "AMQP", dependencies: ["CRabbitMQ", "DedicatedThread"], swiftSettings: strictAndMemorySafe),

        // MARK: - What both sides speak
        /// Values, typed ids and states. No I/O.
        .target(name: "GantryModel", swiftSettings: strict),
        /// Wire types: tasks, reports, REST bodies.
        .target(name: "GantryProtocol", dependencies: ["GantryModel"], swiftSettings: strict),
        /// Which node, which GPUs. Pure.
        .target(name: "Placement", dependencies: ["GantryModel"], swiftSettings: strict),
        /// Where the programs' settings come from, and their bounds.
        .target(
            name: "Settings",
            dependencies: ["GantryModel", crypto, logging, nioSSL, serviceLifecycle, unixSignals, yams],
            swiftSettings: strict
        ),
        /// Logging, Prometheus text, health.
        .target(
            name: "Observability",
            dependencies: [hummingbird, logging, metrics, nioCore, nioPosix, serviceLifecycle],
            swiftSettings: strict
        ),

        // MARK: - The two programs
        .target(
            name: "Conductor",
            dependencies: [
                "DedicatedThread", "GantryModel", "GantryProtocol", "Placement", "Postgres", "AMQP", "Observability",
                "Settings", asyncAlgorithms, asyncHTTPClient, crypto, httpTypes, hummingbird,
                hummingbirdTLS, logging, metrics, nioCore, nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1, nioSSL,
                nioWebSocket, serviceLifecycle, unixSignals, yams,
            ],
            resources: [
                .embedInCode("Store/Migrations"), .embedInCode("API/OpenAPI/openapi.yaml"),
                .embedInCode("API/Documentation/docs.css"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "Agent",
            dependencies: [
                "DedicatedThread", "GantryModel", "GantryProtocol", "Libvirt", "AMQP", "Observability", "Settings",
                asyncHTTPClient, crypto, httpTypes, hummingbird, logging, metrics, nioCore, nioHTTP1,
                nioPosix, nioSSL, serviceLifecycle, subprocess, systemPackage, unixSignals, yams,
            ],
            swiftSettings: strict
        ),

        // MARK: - Simulation: for tests and benchmarks; no program links it
        /// The host side of agents, in memory.
        .target(
            name: "SimulatedHost",
            dependencies: ["Agent", "GantryModel", "GantryProtocol"],
            swiftSettings: strict
        ),
        /// Many nodes, against real services and a real conductor.
        .target(
            name: "SimulatedFleet",
            dependencies: [
                "AMQP", "Agent", "Conductor", "GantryModel", "GantryProtocol", "Observability", "Postgres",
                "SimulatedHost", asyncHTTPClient, logging,
            ],
            swiftSettings: strict
        ),

        // MARK: - Clients
        /// The API over HTTP, for the command line, tests and benchmarks.
        .target(
            name: "GantryClient",
            dependencies: ["GantryProtocol", asyncHTTPClient, nioCore, nioHTTP1],
            swiftSettings: strict
        ),
        /// The command line, one command a file.
        .target(
            name: "GantryCommands",
            dependencies: [
                "GantryClient", "GantryModel", "GantryProtocol", argumentParser, asyncHTTPClient, nioSSL, yams,
            ],
            swiftSettings: strict
        ),

        // MARK: - Executables: flags, configuration, wiring
        .executableTarget(
            name: "gantry-conductor",
            dependencies: [
                "Conductor", "GantryModel", "Observability", "Settings", argumentParser, logging, metrics,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "gantry-agent",
            dependencies: [
                "Agent", "GantryModel", "GantryProtocol", "Observability", "Settings", argumentParser,
                logging, metrics,
            ],
            swiftSettings: strict
        ),
        .executableTarget(name: "gantry", dependencies: ["GantryCommands", argumentParser], swiftSettings: strict),

        // MARK: - Tests
        /// Real PostgreSQL and RabbitMQ for tests, started once a process; fixtures that clean up after themselves.
        .target(
            name: "GantryTestSupport",
            dependencies: ["Postgres", "AMQP", subprocess, systemPackage],
            path: "Tests/Support",
            swiftSettings: strict
        ),
        /// A sequence of steps for either side of the agent's host, and a program that goes through it on the real one.
        .target(
            name: "HostScenario",
            dependencies: ["Agent", "GantryModel", "GantryProtocol"],
            path: "Tests/HostScenario",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "linux-host-scenario",
            dependencies: [
                "Agent", "GantryModel", "GantryProtocol", "HostScenario", argumentParser, asyncHTTPClient, logging,
            ],
            path: "Tests/LinuxHostScenario",
            swiftSettings: strict
        ),
        .testTarget(name: "DedicatedThreadTests", dependencies: ["DedicatedThread"], swiftSettings: strict),
        .testTarget(name: "LibvirtTests", dependencies: ["Libvirt"], swiftSettings: strict),
        .testTarget(name: "PostgresTests", dependencies: ["Postgres", "GantryTestSupport"], swiftSettings: strict),
        .testTarget(name: "AMQPTests", dependencies: ["AMQP", "GantryTestSupport"], swiftSettings: strict),
        .testTarget(
            name: "GantryModelTests",
            dependencies: ["GantryModel", "GantryTestSupport"],
            swiftSettings: strict
        ),
        .testTarget(name: "GantryProtocolTests", dependencies: ["GantryProtocol"], swiftSettings: strict),
        .testTarget(
            name: "PlacementTests",
            dependencies: ["GantryTestSupport", "Placement"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SettingsTests",
            dependencies: ["Agent", "Conductor", "GantryModel", "GantryTestSupport", "Settings", logging, yams],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ObservabilityTests",
            dependencies: [
                "GantryTestSupport", "Observability", hummingbird, hummingbirdTesting, logging, metrics,
                serviceLifecycle,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "ConductorTests",
            dependencies: [
                "AMQP", "Agent", "Conductor", "GantryClient", "GantryModel", "GantryProtocol", "GantryTestSupport",
                "Observability", "Postgres", "Settings", asyncHTTPClient, hummingbird,
                hummingbirdTLS, hummingbirdTesting, logging, metrics, nioCore, nioSSL, yams,
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "AgentTests",
            dependencies: [
                "Agent", "AMQP", "GantryModel", "GantryProtocol", "GantryTestSupport", "Observability", "Settings",
                "SimulatedHost", asyncHTTPClient, crypto, hummingbird, logging, nioCore,
                serviceLifecycle,
                yams,
            ],
            exclude: ["Fixtures", "Golden"],
            swiftSettings: strict
        ),
        .testTarget(
            name: "SystemTests",
            dependencies: [
                "AMQP", "Agent", "Conductor", "GantryClient", "GantryModel", "GantryProtocol", "GantryTestSupport",
                "HostScenario", "Postgres", "SimulatedFleet", "SimulatedHost", "linux-host-scenario", asyncHTTPClient,
                logging, nioCore, nioHTTP1, nioPosix, nioWebSocket,
            ],
            path: "Tests/System",
            exclude: ["SDK"],
            swiftSettings: strict
        ),
    ]
)
