// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// A package of its own, so that the programs' build never waits for it.
///
/// The benchmarks run whole programs against real services for minutes, so they are a program with subcommands; a
/// harness that times one function in a loop would not fit.
let package = Package(
    name: "gantry-benchmarks",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "gantry", path: ".."),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    ],
    targets: [
        .executableTarget(
            name: "gantry-benchmark",
            dependencies: [
                .product(name: "SimulatedFleet", package: "gantry"),
                // The programs that are measured, built beside this one.
                .product(name: "gantry-conductor", package: "gantry"),
                .product(name: "gantry-agent", package: "gantry"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
        )
    ]
)
