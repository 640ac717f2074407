// SPDX-License-Identifier: Apache-2.0

import Conductor
import Foundation
import GantryTestSupport
import Postgres
import Testing

@Suite("All of the API at the command line")
struct CommandTourTests {
    /// Operations that no command calls, and why.
    private static let withoutCommand = [
        "isVirtualMachineNameFree": "a create says so", "isEnvironmentNameFree": "a create says so",
        "imageNameAvailability": "a create says so", "snapshotNameAvailability": "a create says so",
        "volumeNameAvailability": "a create says so",
        "listContractVirtualMachines": "there are no contracts",
        "setNodeRatios": "rare, and not undone by a word: over REST",
        "describeAPI": "it is for programs",
    ]

    @Test(
        "A cloud is set up for a tenant, used, and taken back by commands alone; each operation has one or a reason for none"
    )
    func tour() async throws {
        try await SimulatedCloud.with(gpus: 2, settings: ["GANTRY_CALLBACKS_ALLOW_PRIVATE": "true"]) { cloud in
            let caretaker = Gantry(cloud: cloud, key: cloud.operatorKey)
            let tenant = Gantry(cloud: cloud, key: try await Self.setUp(caretaker))
            try await Self.settle(tenant, caretaker)
            try await Self.look(tenant)
            try await Self.changeMachine(tenant)
            try await Self.changeRules(tenant)
            try await Self.useVolumes(tenant)
            try await Self.useCallbacks(tenant)
            try await Self.useSnapshots(tenant)
            try await Self.useKeys(tenant)
            try await Self.watchNodes(caretaker)
            try await Self.leave(tenant)
            try await Self.takeBack(caretaker, tenant)
            try await Self.expectAllReached(cloud)
        }
    }

    // MARK: - What an operator does first

    /// Makes an organization, a user and an offer.
    ///
    /// - Returns: The user's key.
    /// - Throws: what failed.
    private static func setUp(_ gantry: Gantry) async throws -> String {
        let image = try await TestImage.micro()
        try await gantry.run([
            "organization create acem", "organization rename acem acme", "user create eve --organization acme",
            "user rename eve eva", "region create North --country SE --network 10.64.0.0/12 --environment-prefix 24",
            "region update North --description Kiruna",
            "flavor create tiny --region TestRegion --vcpus 1 --memory-mib 128 --disk-gib 1",
            "flavor create wide --region TestRegion --vcpus 2 --memory-mib 256 --disk-gib 1",
            "image create own --region TestRegion --source file://\(image.path) --sha256 \(image.sha256) --type Debian",
            "floating-ip-pool create more --region TestRegion --network 203.0.113.0/28",
        ])
        #expect(try await gantry("organization list").contains("acme"))
        #expect(try await gantry("organization show 1").contains("(1)"))
        #expect(try await gantry("organization show acme").contains("users        1"))
        #expect(try await gantry("user list --organization acme").contains("eva   acme          0"))
        #expect(try await gantry("user show eva").contains("organization acme"))
        #expect(try await gantry("user show 1").contains("(1)"))
        #expect(try await gantry("region list").contains("North       SE       10.64.0.0/12"))
        #expect(try await gantry("region show 1").contains("TestRegion (1)"))
        #expect(try await gantry("flavor list").contains("tiny"))
        #expect(try await gantry("flavor show 1").contains("(1)"))
        #expect(try await gantry("image list").contains("own"))
        #expect(try await gantry("image show 1").contains("SHA-256"))
        #expect(try await gantry("floating-ip-pool list").contains("more"))
        #expect(try await gantry("floating-ip-pool show 1").contains("(1)"))
        let quota = try await gantry("quota set --organization acme --vms 3 --vcpus none")
        #expect(quota.contains(/vms +0 +3\n/) && quota.contains(/vcpus +0 +none\n/), "\(quota)")
        _ = try await gantry("quota set --organization acme --gpus 4")
        #expect(try await gantry("quota show --organization acme").contains(/vms +0 +3\n/))

        let made = try await gantry.output("api-key create laptop --user eva --expires-in 30d")
        #expect(made.errorText.contains("shown this once") && made.errorText.contains("eva"), "\(made)")
        let key = made.text.trimmingCharacters(in: .newlines)
        let listed = try await gantry("api-key list --user eva")
        #expect(listed.contains("laptop  eva   owner") && !listed.contains(key), "\(listed)")
        return key
    }

    // MARK: - What a tenant does

    /// Makes a machine of what the operator offers.
    private static func settle(_ gantry: Gantry, _ caretaker: Gantry) async throws {
        try await gantry.run([
            "environment create bal --region TestRegion", "environment rename bal lab",
            "key add mein --environment lab --file \(gantry.cloud.folder)/key1.pub", "key rename mein mine",
            "vm create web --environment lab --image own --flavor tiny --key mine --floating-ip --wait",
        ])
        #expect(try await gantry("vm list").contains("web   ACTIVE"))
        #expect(try await gantry("quota show").contains(/vms +1 +3\n/))
        let json = Data(try await gantry("environment show lab --output json").utf8)
        let lab = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        let id = try #require(lab["id"] as? Int)
        #expect(try await gantry("environment show \(id)").contains("machines     1, room for"))
        #expect(try await caretaker("quota set --environment \(id) --volumes 7").contains(/volumes +0 +7\n/))
        #expect(try await caretaker("quota show --environment \(id)").contains(/volumes +0 +7\n/))
    }

    private static func look(_ gantry: Gantry) async throws {
        try await gantry.run([
            "region list", "image list", "key list", "key types", "environment list", "firewall protocols",
            "vm show web", "vm console web", "vm log web", "volume types",
        ])
        #expect(try await gantry("flavor list").contains("tiny"))
        #expect(try await gantry("image show own").contains("system       Debian"))
        #expect(try await gantry("image show 1").contains("(1)"))
        #expect(try await gantry("gpu types").contains("H100  TestRegion"))
        #expect(try await gantry("gpu stock").contains("TestRegion  H100  2"))
        #expect(try await gantry("vm events web").contains("InstanceCreationSuccess"))
        #expect(try await gantry("vm metrics web --duration 2h").hasPrefix("TIME"))
    }

    private static func changeMachine(_ gantry: Gantry) async throws {
        try await gantry.run([
            "vm enhanced-metrics web", "vm enhanced-metrics web --off", "vm label web --add blue --add green",
            "vm label web --remove blue --add red", "vm set-keys web --key mine", "vm stop web --wait",
            "vm resize web --flavor wide", "vm start web --wait", "vm reboot web --wait", "vm hibernate web --wait",
            "vm restore web --wait", "vm detach-floating-ip web --wait",
        ])
        #expect(try await gantry("vm attach-floating-ip web --wait").hasPrefix("web has "))
        let shown = try await gantry("vm show web")
        #expect(shown.contains("flavor       wide") && shown.contains("labels       green, red"), "\(shown)")
    }

    private static func changeRules(_ gantry: Gantry) async throws {
        let rule = try await gantry("vm rule add web --port 8000-8080 --remote 198.51.100.0/24")
        #expect(rule.contains("ingress    tcp       8000-8080  198.51.100.0/24"), "\(rule)")
        let id = try #require(rule.split(separator: "\n").last?.split(separator: " ").first)
        #expect(try await gantry("vm rule list web").contains("8000-8080"))
        _ = try await gantry("vm rule remove web \(id)")
        #expect(try await !gantry("vm rule list web").contains("8000-8080"))

        _ = try await gantry("firewall create wall --environment lab")
        let shared = try await gantry("firewall rule add wall --protocol udp --port 53")
        let sharedID = try #require(shared.split(separator: "\n").last?.split(separator: " ").first)
        _ = try await gantry("firewall attach wall web")
        #expect(try await gantry("firewall show 1").contains("machines     web"))
        try await gantry.run([
            "firewall list", "firewall detach wall web", "vm set-firewalls web --firewall wall",
            "firewall rule remove wall \(sharedID)", "vm set-firewalls web", "firewall delete wall",
        ])
    }

    private static func useVolumes(_ gantry: Gantry) async throws {
        try await gantry.run([
            "volume create atad --environment lab --size 1", "volume update atad --name data", "volume list",
            "volume resize data --size 2", "volume set-callback data http://127.0.0.1:1/a",
            "volume set-callback data http://127.0.0.1:1/b", "volume attach data web --wait", "volume protect data",
        ])
        #expect(try await gantry("volume show data").contains("ATTACHED, protected"))
        try await gantry.run([
            "volume protect data --off", "volume remove-callback data", "volume detach data --wait",
            "volume delete data --wait",
        ])
    }

    private static func useCallbacks(_ gantry: Gantry) async throws {
        try await gantry.run([
            "vm set-callback web http://127.0.0.1:1/a", "vm set-callback web http://127.0.0.1:1/b",
            "vm reboot web --wait",
        ])
        let made = try await gantry.output("callback rotate-secret")
        #expect(made.text.hasPrefix("whsec_") && made.errorText.contains("not shown again"), "\(made)")
        #expect(try await gantry("callback secret").hasPrefix("Made at "))
        let listed = try await gantry("callback list --vm web")
        let id = try #require(listed.split(separator: "\n").dropFirst().first?.split(separator: " ").first)
        try await gantry.run(["callback replay \(id)", "vm remove-callback web"])
    }

    /// A simulated host has no disks to copy, so that they fail.
    private static func useSnapshots(_ gantry: Gantry) async throws {
        let failed = try await gantry.output("snapshot create web --name kept --wait")
        #expect(failed.status == 1 && failed.errorText.contains("no disks to copy"), "\(failed)")
        #expect(try await gantry("snapshot show kept").contains("no disks to copy"))
        #expect(try await gantry.output("snapshot restore kept --name other").status == 1)
        #expect(try await gantry.output("snapshot create-image kept --name other").status == 1)
        try await gantry.run(["snapshot list", "snapshot delete kept"])
        let foreign = try await gantry.output("image delete own")
        #expect(foreign.status == 1, "\(foreign)")
    }

    private static func useKeys(_ gantry: Gantry) async throws {
        let key = try await gantry("api-key create ci --role read-only --environment lab")
        let robot = Gantry(cloud: gantry.cloud, key: key.trimmingCharacters(in: .newlines))
        #expect(try await robot("vm list").contains("web"))
        #expect(try await robot.output("vm stop web").status == 1)
        _ = try await gantry("api-key update ci --name builds --description robots")
        let listed = try await gantry("api-key list")
        #expect(listed.contains("builds  eva   read-only  lab"), "\(listed)")
        _ = try await gantry("api-key revoke builds")
        #expect(try await robot.output("vm list").errorText.hasPrefix("gantry: "))

        _ = try await gantry("profile create small --set flavor_name=tiny --set image_name=own")
        #expect(try await gantry("profile list").contains("small"))
        #expect(try await gantry("profile show 1").contains(#""flavor_name":"tiny""#))
        _ = try await gantry("profile delete small")
    }

    private static func leave(_ gantry: Gantry) async throws {
        try await gantry.run(["vm delete web --wait", "key delete mine"])
        try await eventually("the environment is gone") {
            try await gantry.output("environment delete lab").status == 0
        }
    }

    // MARK: - What an operator does later

    private static func watchNodes(_ gantry: Gantry) async throws {
        try await gantry.cloud.database.transaction { transaction in
            try transaction.execute(
                "INSERT INTO dead_letter (queue, reason, body) VALUES ('gantry.node.x', 'expired', '{\"task\": 1}')"
            )
        }
        #expect(try await gantry("dead-letter list").contains("gantry.node.x"))
        #expect(try await gantry("dead-letter show 1").hasSuffix("{\"task\": 1}\n"))
        #expect(try await gantry("orphan list").contains("HOLDS"))
        #expect(try await gantry.output("orphan remove 1").status == 1)
        try await gantry.run([
            "dead-letter delete 1", "node list", "node show sim-0", "node cordon sim-0 --reason fans",
            "node drain sim-0 --policy wait --reason fans", "node uncordon sim-0", "node forget-host sim-0",
            "node token create --region North",
            "node token list", "node token revoke 1",
            "gpu list", "gpu show 1", "gpu cordon 1 --reason fans", "gpu uncordon 1", "gpu return 1 --reason fans",
            "gpu uncordon 1",
        ])
        #expect(try await gantry.output("gpu retry 2").status == 1)
        #expect(try await gantry.output("node declare-dead sim-0 --fenced-by IPMI --confirm sim-0").status == 1)
        #expect(try await gantry.output("node remove sim-0").status == 1)
    }

    /// The inverse of ``setUp(_:)``, and the node's end.
    private static func takeBack(_ gantry: Gantry, _ tenant: Gantry) async throws {
        _ = try await gantry("api-key revoke laptop --user eva")
        #expect(try await tenant.output("vm list").status == 1)
        try await gantry.run([
            "user delete eva", "organization delete acme", "flavor delete tiny", "flavor delete wide",
            "image delete own", "floating-ip-pool delete more", "region delete North", "node rotate sim-0",
            "node revoke sim-0",
        ])
        for (noun, name) in [
            ("organization", "acme"), ("user", "eva"), ("flavor", "tiny"), ("image", "own"),
            ("floating-ip-pool", "more"), ("region", "North"),
        ] {
            let missing = try await gantry.output("\(noun) show \(name)")
            #expect(missing.status == 1 && missing.errorText.contains("gantry \(noun) list"), "\(missing)")
        }
    }

    // MARK: - What is left over

    /// The conductor counts what it answered, by route.
    private static func expectAllReached(_ cloud: SimulatedCloud) async throws {
        let metrics = try await cloud.conductor.metrics()
        let reached = Set(metrics.split(separator: "\n").compactMap { Route(metric: $0) })
        let operations = try Self.operations()
        let missing = operations.filter { !reached.contains($0.value) }.keys
        #expect(Set(missing) == Set(withoutCommand.keys))
        #expect(operations.count > 100)
    }

    /// All operations by their ids, but those that repeat others for a machine's name or label, for which commands use its id.
    private static func operations() throws -> [String: Route] {
        let document = try JSONSerialization.jsonObject(with: OpenAPIDocument.json()) as? [String: Any]
        let paths = try #require(document?["paths"] as? [String: [String: Any]])
        var found: [String: Route] = [:]
        for (path, methods) in paths where !path.hasPrefix("/v1/core/virtual-machines/{id}/{name}") {
            for (method, operation) in methods {
                let id = try #require((operation as? [String: Any])?["operationId"] as? String)
                found[id] = Route(method, path)
            }
        }
        return found
    }
}

/// A method and a path whose variable segments have no names.
private struct Route: Hashable {
    let text: String

    init(_ method: String, _ path: some StringProtocol) {
        let segments = path.split(separator: "/").map { ":{".contains($0.first ?? " ") ? "*" : $0 }
        text = "\(method.uppercased()) /\(segments.joined(separator: "/"))"
    }

    /// That of a request which the conductor counted, unless the key was not let do it.
    init?(metric line: Substring) {
        guard line.hasPrefix("hb_requests_total{"),
            let path = line.firstMatch(of: /http_route="([^"]*)"/)?.1,
            let method = line.firstMatch(of: /http_request_method="([^"]*)"/)?.1,
            let status = line.firstMatch(of: /http_response_status_code="([^"]*)"/)?.1,
            !["401", "403"].contains(status)
        else { return nil }
        self.init(String(method), path)
    }
}

/// `gantry` with somebody's key.
private struct Gantry: Sendable {
    let cloud: SimulatedCloud
    let key: String

    /// Runs a command, whatever its exit status.
    func output(_ line: String) async throws -> CommandOutput {
        try await cloud.gantry(line.split(separator: " ").map(String.init), as: key)
    }

    /// Runs a command that has to work, and returns what it prints.
    func callAsFunction(_ line: String) async throws -> String {
        let output = try await output(line)
        guard output.status == 0 else { throw CommandFailure(description: "\(line): \(output)") }
        return output.text
    }

    func run(_ lines: [String]) async throws {
        for line in lines { _ = try await self(line) }
    }
}
