// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol

@testable import Agent

/// Values for tests of the agent's decisions.
enum Example {
    static let node = parsed { try NodeName("node-1") }

    static func uuid(_ number: UInt8) -> MachineUUID {
        MachineUUID(UUID(uuid: (number, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, number)))
    }

    static func spec(_ number: UInt8 = 1) -> MachineSpec {
        MachineSpec(
            name: "vm-\(number)",
            hostname: "vm-\(number)",
            resources: Resources(vcpus: 1, memoryMiB: 512, diskGiB: 5),
            image: ImageSource(
                name: "TestImage",
                url: "http://127.0.0.1/image.qcow2",
                sha256: parsed { try SHA256Digest(String(repeating: "ab", count: 32)) },
                format: .qcow2
            ),
            authorizedKeys: ["ssh-ed25519 AAAA test"],
            userData: nil,
            network: NetworkAttachment(
                environmentID: EnvironmentID(1),
                subnet: parsed { try Subnet("10.1.0.0/24") },
                address: parsed { try IPv4Address("10.1.0.\(number)") },
                mac: MACAddress(localFor: uuid(number)),
                floatingIP: parsed { try IPv4Address("192.0.2.\(number)") }
            ),
            securityRules: [],
            gpus: []
        )
    }

    static func blueprint(_ number: UInt8 = 1, generation: Int64 = 1, spec: MachineSpec? = nil) -> MachineBlueprint {
        MachineBlueprint(
            uuid: uuid(number),
            machineID: VirtualMachineID(Int64(number)),
            generation: Generation(generation),
            spec: spec ?? self.spec(number)
        )
    }

    static func task(
        _ number: UInt8 = 1,
        generation: Int64 = 1,
        power: WantedPower = .running,
        bootCounter: Int = 0,
        spec: MachineSpec? = nil
    ) -> MachineTask {
        MachineTask(
            node: node,
            machineID: VirtualMachineID(Int64(number)),
            uuid: uuid(number),
            generation: Generation(generation),
            power: power,
            bootCounter: bootCounter,
            spec: power == .absent ? nil : spec ?? self.spec(number)
        )
    }

    /// A value from text that is known to be right.
    private static func parsed<Value>(_ value: () throws -> Value) -> Value {
        do {
            return try value()
        } catch {
            preconditionFailure("\(error)")
        }
    }
}
