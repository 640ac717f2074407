// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// Something that a node does once for a machine, beside its wanted state.
///
/// It is listed in the machine's tasks until its outcome is known. A node that was interrupted does it again, so that each
/// kind of work is harmless when it is done twice.
public struct MachineJob: Hashable, Sendable, Codable {
    public var id: MachineJobID
    public var work: Work

    public init(id: MachineJobID, work: Work) {
        (self.id, self.work) = (id, work)
    }

    /// What is to be done.
    public enum Work: Hashable, Sendable {
        /// Read the last lines of what the guest wrote to its serial console.
        case serialLog(lines: Int)
        /// Have the guest's agent give the user who has the former keys the wanted ones instead.
        case authorizedKeys(AuthorizedKeysChange)
        /// Dial out to a conductor and join a tenant to the machine's display. The URL is that of the conductor with the
        /// tenant; nil for the one that the agent knows.
        case console(conductor: String?)
        /// Copy the root disk as it is at one moment, and bring it to the image store under this name.
        case snapshot(StoredImageUUID)
        /// Of a newer conductor's making; the node says that it cannot.
        case unknown(kind: String)
    }
}

extension MachineJob.Work: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind
        case lines
        case change
        case conductor
        case image
    }

    /// The stable name of each kind.
    private enum Kind: String {
        case serialLog = "serial_log"
        case authorizedKeys = "authorized_keys"
        case console
        case snapshot
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decode(String.self, forKey: .kind)
        switch Kind(rawValue: kind) {
        case .serialLog: self = .serialLog(lines: try container.decode(Int.self, forKey: .lines))
        case .authorizedKeys:
            self = .authorizedKeys(try container.decode(AuthorizedKeysChange.self, forKey: .change))
        case .console: self = .console(conductor: try container.decodeIfPresent(String.self, forKey: .conductor))
        case .snapshot: self = .snapshot(try container.decode(StoredImageUUID.self, forKey: .image))
        case nil: self = .unknown(kind: kind)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .serialLog(let lines):
            try container.encode(Kind.serialLog.rawValue, forKey: .kind)
            try container.encode(lines, forKey: .lines)
        case .authorizedKeys(let change):
            try container.encode(Kind.authorizedKeys.rawValue, forKey: .kind)
            try container.encode(change, forKey: .change)
        case .console(let conductor):
            try container.encode(Kind.console.rawValue, forKey: .kind)
            try container.encodeIfPresent(conductor, forKey: .conductor)
        case .snapshot(let image):
            try container.encode(Kind.snapshot.rawValue, forKey: .kind)
            try container.encode(image, forKey: .image)
        case .unknown(let kind):
            try container.encode(kind, forKey: .kind)
        }
    }
}

/// Other keys for the user that a machine's keys are for.
public struct AuthorizedKeysChange: Hashable, Sendable, Codable {
    /// A key as the machine's owner calls it.
    public struct Key: Hashable, Sendable, Codable {
        public var name: String
        /// One line of an `authorized_keys` file.
        public var publicKey: String

        public init(name: String, publicKey: String) {
            (self.name, self.publicKey) = (name, publicKey)
        }

        private enum CodingKeys: String, CodingKey {
            case name
            case publicKey = "public_key"
        }
    }

    /// All that the user is to have, beside keys that the guest's own administrator added.
    public var wanted: [Key]
    /// The lines that it was given before.
    public var former: [String]

    public init(wanted: [Key], former: [String]) {
        (self.wanted, self.former) = (wanted, former)
    }

    /// The lines that it has no more.
    public var removed: [String] { former.filter { !wanted.map(\.publicKey).contains($0) } }
}

/// What a job came to: `POST /v1/internal/nodes/{node}/jobs/{id}`.
public struct MachineJobOutcome: Hashable, Sendable, Codable {
    /// What it brought, such as a log.
    public var text: String?
    /// Why it was not done; nil when it was.
    public var fault: Fault?

    public init(text: String? = nil, fault: Fault? = nil) {
        (self.text, self.fault) = (text, fault)
    }
}
