// SPDX-License-Identifier: Apache-2.0

public import GantryModel

/// A machine of ours on a host, of which the database knows nothing there. What its node no longer knows is null.
public struct OrphanBody: AnswerContent, Hashable {
    public static let singular = "orphan"
    public static let plural = "orphans"

    public var id: Int64
    public var uuid: String
    /// The node's name.
    public var node: String
    /// The region's name.
    public var region: String
    /// The name that its owner gave it.
    @Nullable public var name: String?
    /// Whether it ran when its node told of it.
    public var running: Bool
    /// What it holds of the node, with volumes on the node's own disk that are not known either.
    @Nullable public var resources: Resources?
    /// The addresses of the GPUs that it has.
    public var gpus: [String]
    @Nullable public var address: String?
    @Nullable public var mac: String?
    @Nullable public var floatingIP: String?
    /// The UUIDs of its volumes, whose files stay when it is removed.
    public var volumes: [String]
    /// Whether an operator wants it gone.
    public var removing: Bool
    public var createdAt: Timestamp

    public init(
        id: Int64,
        uuid: String,
        node: String,
        region: String,
        name: String?,
        running: Bool,
        resources: Resources?,
        gpus: [String],
        address: String?,
        mac: String?,
        floatingIP: String?,
        volumes: [String],
        removing: Bool,
        createdAt: Timestamp
    ) {
        (self.id, self.uuid, self.node, self.region) = (id, uuid, node, region)
        _name = Nullable(wrappedValue: name)
        (self.running, self.gpus, self.volumes, self.removing) = (running, gpus, volumes, removing)
        _resources = Nullable(wrappedValue: resources)
        _address = Nullable(wrappedValue: address)
        _mac = Nullable(wrappedValue: mac)
        _floatingIP = Nullable(wrappedValue: floatingIP)
        self.createdAt = createdAt
    }

    private enum CodingKeys: String, CodingKey {
        case id
        case uuid
        case node
        case region
        case name
        case running
        case resources
        case gpus
        case address
        case mac
        case floatingIP = "floating_ip"
        case volumes
        case removing
        case createdAt = "created_at"
    }
}
