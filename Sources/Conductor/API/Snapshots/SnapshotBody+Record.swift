// SPDX-License-Identifier: Apache-2.0

import GantryModel
import GantryProtocol

extension SnapshotBody {
    init(_ record: SnapshotRecord) {
        self.init(
            id: record.id.rawValue,
            name: record.name,
            description: record.description,
            labels: record.labels,
            regionID: record.regionID.rawValue,
            size: record.sizeGiB,
            status: record.state.rawValue.uppercased(),
            vmID: record.machineID.rawValue,
            hasFloatingIP: record.hasFloatingIP,
            isImage: record.customImageName != nil,
            isConsistent: record.isConsistent,
            fault: record.fault.map { FaultBody(code: $0.code.rawValue, message: $0.message) },
            createdAt: Timestamp(record.createdAt),
            updatedAt: Timestamp(record.updatedAt)
        )
    }
}

extension SnapshotDetailBody {
    init(_ record: SnapshotRecord) {
        self.init(
            SnapshotBody(record),
            region: record.regionName,
            vmName: record.machineName,
            vmStatus: record.machineStatus?.rawValue,
            vmEnvironment: record.environmentName,
            vmFlavor: record.flavorName,
            vmImage: record.imageName,
            vmKeypair: record.keyNames.first,
            volumeID: record.volumeID?.description,
            volumeName: record.volumeName,
            customImage: record.customImageName
        )
    }
}

extension SnapshotEventsAnswer {
    /// That it was asked for, and what came of it.
    init(_ record: SnapshotRecord) {
        func event(_ time: Timestamp, _ type: String, _ reason: String, _ message: String) -> Event {
            Event(snapshotID: record.id.rawValue, time: time, type: type, reason: reason, message: message)
        }
        var events = [
            event(
                Timestamp(record.createdAt),
                "normal",
                "SnapshotCreateRequest",
                "Snapshot \(record.name) Creation Request Sent."
            )
        ]
        if let finished = record.finishedAt {
            let fault = record.fault
            events.append(
                event(
                    Timestamp(finished),
                    fault == nil ? "normal" : "warning",
                    fault == nil ? "SnapshotCreateSuccess" : "SnapshotCreateFailed",
                    fault?.message ?? "Snapshot \(record.name) is there."
                )
            )
        }
        self.init(snapshotEvents: events)
    }
}
