// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryClient
import GantryModel
import GantryProtocol
import GantryTestSupport
import Postgres

/// A cloud whose machines a test makes, watches and takes away.
protocol MachineCloud: Sendable {
    var api: APIClient { get }
    var database: Database { get }
}

extension SystemCloud: MachineCloud {
    /// The API of the first conductor.
    var api: APIClient { conductors[0].api }

    /// Has new machines go to any node but one.
    func cordon(_ node: String) async throws {
        try await database.transaction { transaction in
            _ = try transaction.execute("UPDATE compute_node SET cordoned = (name = \(node))")
        }
    }
}

extension MachineCloud {
    /// A request for machines of the small flavor with both keys, a floating IP and a rule for SSH.
    func request(_ name: String?, count: Int = 1, userData: String? = nil) -> CreateInstancesRequest {
        CreateInstancesRequest(
            name: name,
            environmentName: "TestEnv",
            imageName: "TestImage",
            flavorName: CloudData.flavor,
            keyNames: CloudData.keys,
            count: count,
            labels: ["test"],
            assignFloatingIP: true,
            userData: userData,
            securityRules: [
                SecurityRuleRequest(direction: "ingress", protocol: "tcp", portRangeMin: 22, portRangeMax: 22)
            ]
        )
    }

    /// Makes machines as soon as a node takes them.
    func create(_ request: CreateInstancesRequest) async throws -> [InstanceBody] {
        try await eventually("a node takes \(request.name ?? "the machines")") {
            do {
                return try await api.createInstances(request)
            } catch let error as ClientError where error.reason == "no_capacity" {
                return nil
            }
        }
    }

    /// Makes one machine as soon as a node takes it.
    func create(_ name: String, image: String = "TestImage", userData: String? = nil) async throws -> InstanceBody {
        var request = request(name, userData: userData)
        request.imageName = image
        return try await create(request)[0]
    }

    /// Waits until a machine has a status; one that fails on the way ends the wait.
    @discardableResult
    func wait(
        for machine: InstanceBody,
        _ status: MachineStatus,
        timeout: Duration = .seconds(180)
    ) async throws -> InstanceBody {
        try await eventually("\(machine.name) becomes \(status.rawValue)", timeout: timeout) {
            let now = try await api.instance(machine.id)
            if now?.status == MachineStatus.error.rawValue && status != .error {
                throw CommandFailure(description: "\(machine.name) failed: \(now?.fault?.message ?? "no reason")")
            }
            return now?.status == status.rawValue ? now : nil
        }
    }

    func waitUntilGone(_ machine: InstanceBody) async throws {
        try await eventually("\(machine.name) is gone", timeout: .seconds(180)) {
            try await api.instance(machine.id) == nil
        }
    }

    /// Deletes a machine and waits until it is gone.
    func remove(_ machine: InstanceBody) async throws {
        try await api.deleteInstance(machine.id)
        try await waitUntilGone(machine)
    }

    /// The name of the machine's domain.
    func domain(_ machine: InstanceBody) async throws -> String { "gantry-\(try await uuid(machine))" }

    func uuid(_ machine: InstanceBody) async throws -> MachineUUID {
        try await database.read { transaction in
            try transaction.query("SELECT uuid FROM virtual_machine WHERE id = \(machine.id)")[0]["uuid"]
        }
    }
}
