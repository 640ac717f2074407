// SPDX-License-Identifier: Apache-2.0

/// The number of a row, typed by what the row is, so that a flavor's number cannot be taken for a node's.
///
/// The API shows these numbers as plain JSON integers.
public struct Identifier<Subject>: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    public var description: String { String(rawValue) }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// Names for ``Identifier``'s subjects. They have no values.
public enum Subject {
    public enum Organization {}
    public enum User {}
    public enum APIKey {}
    public enum Region {}
    public enum Environment {}
    public enum Key {}
    public enum Flavor {}
    public enum Image {}
    public enum Node {}
    public enum GPU {}
    public enum FloatingIP {}
    public enum FloatingIPPool {}
    public enum VirtualMachine {}
    public enum SecurityRule {}
    public enum Firewall {}
    public enum FirewallRule {}
    public enum FirewallAttachment {}
    public enum Profile {}
    public enum DeadLetter {}
    public enum CallbackDelivery {}
    public enum MachineJob {}
    public enum Console {}
    public enum StoragePool {}
    public enum Volume {}
    public enum VolumeAttachment {}
    public enum Snapshot {}
    public enum JoinToken {}
    public enum Orphan {}
}

public typealias OrganizationID = Identifier<Subject.Organization>
public typealias UserID = Identifier<Subject.User>
public typealias APIKeyID = Identifier<Subject.APIKey>
public typealias RegionID = Identifier<Subject.Region>
public typealias EnvironmentID = Identifier<Subject.Environment>
public typealias KeyID = Identifier<Subject.Key>
public typealias FlavorID = Identifier<Subject.Flavor>
public typealias ImageID = Identifier<Subject.Image>
public typealias NodeID = Identifier<Subject.Node>
public typealias GPUID = Identifier<Subject.GPU>
public typealias FloatingIPID = Identifier<Subject.FloatingIP>
public typealias FloatingIPPoolID = Identifier<Subject.FloatingIPPool>
public typealias VirtualMachineID = Identifier<Subject.VirtualMachine>
public typealias SecurityRuleID = Identifier<Subject.SecurityRule>
public typealias FirewallID = Identifier<Subject.Firewall>
public typealias FirewallRuleID = Identifier<Subject.FirewallRule>
public typealias FirewallAttachmentID = Identifier<Subject.FirewallAttachment>
public typealias ProfileID = Identifier<Subject.Profile>
public typealias DeadLetterID = Identifier<Subject.DeadLetter>
public typealias CallbackDeliveryID = Identifier<Subject.CallbackDelivery>
public typealias MachineJobID = Identifier<Subject.MachineJob>
public typealias ConsoleID = Identifier<Subject.Console>
public typealias StoragePoolID = Identifier<Subject.StoragePool>
public typealias VolumeID = Identifier<Subject.Volume>
public typealias VolumeAttachmentID = Identifier<Subject.VolumeAttachment>
public typealias SnapshotID = Identifier<Subject.Snapshot>
public typealias JoinTokenID = Identifier<Subject.JoinToken>
public typealias OrphanID = Identifier<Subject.Orphan>
