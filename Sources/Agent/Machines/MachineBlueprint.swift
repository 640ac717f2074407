// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
package import GantryModel
package import GantryProtocol

/// What one machine on this host is built from.
package struct MachineBlueprint: Sendable, Hashable {
    package let uuid: MachineUUID
    package let machineID: VirtualMachineID
    package let generation: Generation
    package let spec: MachineSpec

    package init(uuid: MachineUUID, machineID: VirtualMachineID, generation: Generation, spec: MachineSpec) {
        (self.uuid, self.machineID, self.generation, self.spec) = (uuid, machineID, generation, spec)
    }

    /// The blueprint that a task carries; nil for one that carries none.
    package init?(_ task: MachineTask) {
        guard let spec = task.spec else { return nil }
        self.init(uuid: task.uuid, machineID: task.machineID, generation: task.generation, spec: spec)
    }

    /// A digest of all that the domain's definition depends on. It stands in the domain's metadata; a domain with
    /// another one is defined anew.
    package var domainDigest: String {
        digest(of: DomainParts(resources: spec.resources, network: spec.network, gpus: spec.gpus))
    }

    /// A digest of all that seed and metadata depend on.
    package var seedDigest: String {
        digest(
            of: SeedParts(hostname: spec.hostname, authorizedKeys: spec.authorizedKeys, userData: spec.userData)
        )
    }

    /// A digest of all that the network depends on.
    package var networkDigest: String {
        digest(of: NetworkParts(network: spec.network, rules: spec.securityRules))
    }

    private func digest(of parts: some Encodable) -> String {
        // Texts, numbers and lists of them always encode.
        guard let data = try? NodeJSON.encoder.encode(parts) else { return "" }
        return SHA256.hash(data: data).prefix(16).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined()
    }
}

private struct DomainParts: Encodable {
    var resources: Resources
    var network: DomainNetwork
    var gpus: [GPUAssignment]

    struct DomainNetwork: Encodable {
        var environmentID: EnvironmentID
        var mac: MACAddress
    }

    init(resources: Resources, network: NetworkAttachment, gpus: [GPUAssignment]) {
        self.resources = resources
        self.network = DomainNetwork(environmentID: network.environmentID, mac: network.mac)
        self.gpus = gpus
    }
}

private struct SeedParts: Encodable {
    var hostname: String
    var authorizedKeys: [String]
    var userData: Data?
}

private struct NetworkParts: Encodable {
    var network: NetworkAttachment
    var rules: [SecurityRule]
}
