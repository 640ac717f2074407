// SPDX-License-Identifier: Apache-2.0

public import GantryModel
public import GantryProtocol
public import Postgres

// How the model's values travel to and from columns.

extension Identifier: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { rawValue.sqlValue }
    public init?(sqlText text: String) {
        guard let number = Int64(text) else { return nil }
        self.init(number)
    }
}

extension Generation: SQLEncodable, SQLDecodable {
    public var sqlValue: SQLValue { rawValue.sqlValue }
    public init?(sqlText text: String) {
        guard let number = Int64(text) else { return nil }
        self.init(number)
    }
}

extension TextValue {
    public var sqlValue: SQLValue { SQLValue(text: description) }
    public init?(sqlText text: String) {
        try? self.init(text)
    }
}

extension IPv4Address: SQLEncodable, SQLDecodable {}
extension Subnet: SQLEncodable, SQLDecodable {}
extension IPPrefix: SQLEncodable, SQLDecodable {}
extension MACAddress: SQLEncodable, SQLDecodable {}
extension MachineUUID: SQLEncodable, SQLDecodable {}
extension VolumeUUID: SQLEncodable, SQLDecodable {}
extension StoredImageUUID: SQLEncodable, SQLDecodable {}
extension NodeName: SQLEncodable, SQLDecodable {}
extension PCIAddress: SQLEncodable, SQLDecodable {}
extension SHA256Digest: SQLEncodable, SQLDecodable {}

extension RawRepresentable<String> {
    public var sqlValue: SQLValue { SQLValue(text: rawValue) }
    public init?(sqlText text: String) {
        self.init(rawValue: text)
    }
}

extension KeyRole: SQLEncodable, SQLDecodable {}
extension WantedPower: SQLEncodable, SQLDecodable {}
extension StopPolicy: SQLEncodable, SQLDecodable {}
extension ObservedPower: SQLEncodable, SQLDecodable {}
extension Fault.Code: SQLEncodable, SQLDecodable {}
extension SecurityRule.Direction: SQLEncodable, SQLDecodable {}
extension SecurityRule.EtherType: SQLEncodable, SQLDecodable {}
extension MachinePhase: SQLEncodable, SQLDecodable {}
extension ImageSource.Format: SQLEncodable, SQLDecodable {}
extension JoinTokenRecord.State: SQLDecodable {}
extension NodeRecord.State: SQLEncodable, SQLDecodable {}
extension NodeRecord.Credentials: SQLEncodable, SQLDecodable {}
extension DrainPolicy: SQLEncodable, SQLDecodable {}
extension GPURecord.State: SQLEncodable, SQLDecodable {}
extension MachineEventRecord.Kind: SQLEncodable, SQLDecodable {}
extension MachineEvent.Reason: SQLEncodable, SQLDecodable {}
extension CallbackOperation: SQLEncodable, SQLDecodable {}
extension OperationNotice.Status: SQLEncodable, SQLDecodable {}
extension CallbackDeliveryRecord.State: SQLEncodable, SQLDecodable {}
extension MachineJobRecord.State: SQLEncodable, SQLDecodable {}
extension StoragePoolInventory.Kind: SQLEncodable, SQLDecodable {}
extension VolumeRecord.State: SQLEncodable, SQLDecodable {}
extension VolumeAttachmentRecord.State: SQLEncodable, SQLDecodable {}
extension SnapshotRecord.State: SQLEncodable, SQLDecodable {}
