// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import Logging

/// Machines to try things with.
enum Example {
    static let node = "n1"
    static let uuid = "00000000-0000-4000-8000-000000000007"
    static let digest = String(repeating: "ab", count: 32)

    static func spec(
        name: String = "web",
        hostname: String = "web",
        image: ImageSource? = nil,
        keys: [String] = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC one@example"],
        userData: Data? = nil,
        environment: Int64 = 3,
        index: Int = 7,
        floatingIP: String? = nil,
        rules: [SecurityRule] = [],
        gpus: [GPUAssignment] = []
    ) throws -> MachineSpec {
        let subnet = try Subnet("10.\(environment).0.0/24")
        return MachineSpec(
            name: name,
            hostname: hostname,
            resources: Resources(vcpus: 2, memoryMiB: 2048, diskGiB: 10),
            image: try image ?? Example.image(),
            authorizedKeys: keys,
            userData: userData,
            network: NetworkAttachment(
                environmentID: EnvironmentID(environment),
                subnet: subnet,
                address: subnet[index],
                mac: try MACAddress("02:00:00:00:0\(environment):\(index < 16 ? "0" : "")\(String(index, radix: 16))"),
                floatingIP: try floatingIP.map { text throws(InvalidValue) in try IPv4Address(text) }
            ),
            securityRules: rules,
            gpus: gpus
        )
    }

    static func image(
        url: String = "https://images.example/debian.qcow2",
        sha256: String = digest,
        format: ImageSource.Format = .qcow2
    ) throws -> ImageSource {
        ImageSource(name: "debian", url: url, sha256: try SHA256Digest(sha256), format: format)
    }

    static func task(
        _ power: WantedPower = .running,
        uuid: String = Example.uuid,
        id: Int64 = 7,
        generation: Int64 = 1,
        boot: Int = 1,
        spec: MachineSpec? = nil
    ) throws -> MachineTask {
        MachineTask(
            node: try NodeName(node),
            machineID: VirtualMachineID(id),
            uuid: try MachineUUID(uuid),
            generation: Generation(generation),
            power: power,
            bootCounter: boot,
            spec: try power == .absent ? nil : spec ?? Example.spec()
        )
    }

    static func rule(
        _ name: String,
        _ direction: SecurityRule.Direction = .ingress,
        from remote: String = "0.0.0.0/0",
        ports: ClosedRange<UInt16>? = nil,
        etherType: SecurityRule.EtherType = .ipv4
    ) throws -> SecurityRule {
        SecurityRule(
            direction: direction,
            etherType: etherType,
            protocol: name,
            remote: try IPPrefix(remote),
            ports: ports
        )
    }

    /// A GPU with nothing beside it in its IOMMU group.
    static func gpu(_ bus: Int, claim: Int64) throws -> GPUAssignment {
        let address = try PCIAddress("0000:0\(bus):00.0")
        let function = PCIFunction(
            address: address,
            pciID: "10de:2330",
            subsystemID: "10de:16c1",
            classCode: "0302"
        )
        return GPUAssignment(address: address, functions: [function], claim: claim)
    }

    /// A unit as its node finds it.
    static func inventory(_ gpu: GPUAssignment) -> GPUInventory {
        GPUInventory(
            address: gpu.address,
            model: "GH100",
            gpuType: "H100",
            numaNode: 0,
            iommuGroup: Int(gpu.address.bus),
            functions: gpu.functions,
            condition: .ready
        )
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
