// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryProtocol
import GantryTestSupport
import Postgres

/// A cloud whose only host is emulated and has GPUs: a type `single`, which have an IOMMU group each, and a type `pair`,
/// two that share one.
struct GPUCloud: MachineCloud {
    let conductor: TestConductor
    let host: EmulatedHost
    let database: Database
    let operators: APIClient

    var api: APIClient { conductor.api }

    /// What a guest sees of the two single ones: vendor and device.
    static let single = ["1234:1111"]
    static let other = ["1af4:1050"]

    /// Runs a test in a cloud, and takes all of it away afterwards.
    static func with(_ body: @Sendable @escaping (GPUCloud) async throws -> Void) async throws {
        let image = try await TestImage.micro()
        try await withTemporaryDirectory { folder in
            try await withTemporaryDatabaseURL { url in
                try await withTemporaryVirtualHost { broker in
                    let environment = [
                        "GANTRY_DATABASE_URL": url, "GANTRY_AMQP_URL": broker.url,
                        "GANTRY_RABBITMQ_MANAGEMENT_URL": try await TestServices.shared.managementURL,
                        "GANTRY_AMQP_AGENT_HOST": EmulatedHost.loopback,
                    ]
                    let conductor = try await TestConductor(environment: environment, log: folder + "/conductor.log")
                    let host = try EmulatedHost(folder: folder + "/host")
                    let result: Result<Void, any Error>
                    do {
                        try await conductor.start()
                        let database = Database(try DatabaseConfiguration(url: url, maximumConnections: 2))
                        let cloud = GPUCloud(
                            conductor: conductor,
                            host: host,
                            database: database,
                            operators: try await conductor.operatorAPI()
                        )
                        try await cloud.up(image, folder)
                        result = .success(try await body(cloud))
                    } catch {
                        result = .failure(error)
                        print(await host.log.split(separator: "\n").suffix(60).joined(separator: "\n"))
                    }
                    try await host.down()
                    try await conductor.kill()
                    try result.get()
                }
            }
        }
    }

    private func up(_ image: TestImage, _ folder: String) async throws {
        let inside = TestImage(path: "/test/micro.qcow2", sha256: image.sha256, user: image.user)
        _ = try await CloudData(conductor, database, image: inside, folder: folder)
        try await database.transaction { transaction in
            try transaction.execute(
                """
                INSERT INTO flavor (region_id, name, vcpus, memory_mib, disk_gib, gpu_type, gpu_count)
                SELECT r.id, f.name, 1, 256, 1, f.type, f.count FROM region r,
                    (VALUES ('single', 'single', 1), ('double', 'single', 2), ('pair', 'pair', 1)) f (name, type, count)
                """
            )
        }
        try Self.hook.write(toFile: folder + "/clean", atomically: true, encoding: .utf8)
        try await shell("chmod", "755", folder + "/clean")
        try await host.up(
            joining: conductor.url.replacing("127.0.0.1", with: EmulatedHost.loopback),
            token: try await conductor.joinToken(),
            settings: Self.settings,
            files: ["micro.qcow2": image.path, "clean": folder + "/clean"]
        )
        try await database.transaction { transaction in
            try transaction.execute("UPDATE compute_node SET vcpu_ratio = 64, memory_ratio = 8, disk_ratio = 64")
        }
    }

    private static let settings = [
        "GANTRY_VIRT_TYPE": "qemu", "GANTRY_LOG_LEVEL": "debug", "GANTRY_RESERVED_DISK_GIB": "0",
        "GANTRY_RESERVED_MEMORY_MIB": "0", "GANTRY_GPU_ALLOW": "1234:1111,1af4:1050",
        "GANTRY_GPU_TYPES": "0000:01:00.0=single,0000:02:00.0=single,0000:05:00.0=pair",
        "GANTRY_GPU_CLEANING_HOOK": "/test/clean",
    ]

    /// Notes what it was called for, and fails as long as there is a file that says so.
    private static let hook = """
        #!/bin/sh
        echo "$@" >>/var/lib/gantry/cleaned
        [ ! -e /var/lib/gantry/cleaning-fails ] || { echo "the memory is not empty" >&2; exit 3; }

        """

    /// A request for a machine of a flavor, without a floating IP.
    func request(_ name: String, flavor: String) -> CreateInstancesRequest {
        var request = request(name)
        (request.flavorName, request.assignFloatingIP) = (flavor, false)
        return request
    }

    /// The GPUs' states, by their addresses.
    var states: [String: String] {
        get async throws {
            try await database.read { transaction in
                let rows = try transaction.query("SELECT address, state FROM gpu_device")
                return Dictionary(uniqueKeysWithValues: try rows.map { (try $0["address"], try $0["state"]) })
            }
        }
    }

    /// What the guest of a machine said at each of its boots that it has: the ids of its PCI functions.
    func boots(of machine: InstanceBody) async throws -> [[String]] {
        let log = try await "/var/lib/gantry/machines/\(uuid(machine))/console.log"
        // Whole lines, since it may be in the middle of one.
        return try await host.run("head -n $(wc -l <\(log)) \(log)").split(whereSeparator: \.isNewline)
            .filter { $0.hasPrefix("gantry-micro: pci ") }
            .map { $0.split(separator: " ").dropFirst(2).map(String.init) }
    }
}
