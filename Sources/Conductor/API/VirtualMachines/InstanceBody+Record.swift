// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol

extension InstanceBody {
    /// A machine as the API shows it.
    init(_ record: VirtualMachineRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            status: record.status.rawValue,
            environment: Environment(
                id: record.environment.id.rawValue,
                name: record.environment.name,
                orgID: record.organizationID.rawValue,
                region: record.environment.regionName
            ),
            image: Image(name: record.image.name),
            flavor: Flavor(record.flavor),
            os: record.image.operatingSystem,
            keypairs: record.keyNames.map { Keypair(name: $0) },
            powerState: record.situation.powerState,
            vmState: record.situation.vmState,
            fixedIP: record.privateAddress?.description,
            floatingIP: record.floatingIP?.description,
            floatingIPStatus: record.floatingIPStatus,
            requiresPublicIP: record.assignFloatingIP,
            securityRules: record.securityRules.map {
                SecurityRuleBody($0.id, $0.rule, applied: record.hasApplied($0), $0.createdAt)
            },
            volumeAttachments: record.volumes.map { VolumeAttachment($0) },
            isSnapshotting: record.isSnapshotting,
            hasEnhancedMetrics: record.hasEnhancedMetrics,
            callbackURL: record.callbackURL,
            labels: record.labels,
            createdAt: Timestamp(record.createdAt),
            fault: record.fault.map { FaultBody(code: $0.code.rawValue, message: $0.message) },
            degradedReason: record.degradedReason,
            progress: record.activity.map { ProgressBody(step: $0.step, percent: $0.percent) },
            uuid: record.uuid.description
        )
    }
}

extension InstanceBody.VolumeAttachment {
    fileprivate init(_ volume: VirtualMachineRecord.Volume) {
        self.init(
            id: volume.id.rawValue,
            volume: InstanceBody.Volume(
                id: volume.volumeID.rawValue,
                name: volume.name,
                description: volume.description,
                volumeType: volume.type,
                size: volume.sizeGiB,
                bootable: volume.isBootable
            ),
            status: volume.state.rawValue.uppercased(),
            device: volume.uuid.device,
            protected: volume.isProtected,
            createdAt: Timestamp(Date(timeIntervalSince1970: volume.createdAt))
        )
    }
}

extension InstanceBody.Flavor {
    fileprivate init(_ flavor: VirtualMachineRecord.Flavor) {
        self.init(
            id: flavor.id.rawValue,
            name: flavor.name,
            cpu: flavor.resources.vcpus,
            ram: Double(flavor.resources.memoryMiB) / 1024,
            disk: flavor.resources.diskGiB,
            gpu: flavor.gpuType,
            gpuCount: flavor.gpuCount
        )
    }
}

extension SecurityRuleBody {
    /// A rule that is stored, and whether the nodes have it.
    init<Owner>(_ id: Identifier<Owner>, _ rule: SecurityRule, applied: Bool, _ createdAt: Date) {
        self.init(
            id: id.rawValue,
            rule: SecurityRuleRequest(
                direction: rule.direction.rawValue,
                ethertype: rule.etherType.rawValue,
                protocol: rule.protocol,
                remoteIPPrefix: rule.remote.description,
                portRangeMin: rule.ports.map { Int($0.lowerBound) },
                portRangeMax: rule.ports.map { Int($0.upperBound) }
            ),
            status: applied ? "SUCCESS" : "pending",
            createdAt: Timestamp(createdAt)
        )
    }
}

extension VirtualMachineRecord.Image {
    /// Such as `Debian 12`; the name where the image says nothing else of itself.
    fileprivate var operatingSystem: String {
        let text = [type, version].filter { !$0.isEmpty }.joined(separator: " ")
        return text.isEmpty ? name : text
    }
}
