// SPDX-License-Identifier: Apache-2.0

public import Foundation
public import GantryModel

/// Everything that a node needs to build a virtual machine.
public struct MachineSpec: Hashable, Sendable, Codable {
    /// The name its owner gave it. Any text; never used in a path.
    public var name: String
    /// The name the guest gets: one DNS label.
    public var hostname: String
    public var resources: Resources
    public var image: ImageSource
    /// The authorized keys of the guest's default user, one line each.
    public var authorizedKeys: [String]
    /// As the tenant sent it, byte for byte; JSON carries it in Base64.
    public var userData: Data?
    public var network: NetworkAttachment
    public var securityRules: [SecurityRule]
    public var gpus: [GPUAssignment]
    /// In the order in which they were attached.
    public var volumes: [VolumeSpec]

    public init(
        name: String,
        hostname: String,
        resources: Resources,
        image: ImageSource,
        authorizedKeys: [String],
        userData: Data?,
        network: NetworkAttachment,
        securityRules: [SecurityRule],
        gpus: [GPUAssignment],
        volumes: [VolumeSpec] = []
    ) {
        self.name = name
        self.hostname = hostname
        self.resources = resources
        self.image = image
        self.authorizedKeys = authorizedKeys
        self.userData = userData
        self.network = network
        self.securityRules = securityRules
        self.gpus = gpus
        self.volumes = volumes
    }

    private enum CodingKeys: String, CodingKey {
        case name
        case hostname
        case resources
        case image
        case authorizedKeys = "authorized_keys"
        case userData = "user_data"
        case network
        case securityRules = "security_rules"
        case gpus
        case volumes
    }
}

/// Where a node gets an image, and how it knows that it got the right one.
public struct ImageSource: Hashable, Sendable, Codable {
    public enum Format: String, Hashable, Sendable, Codable { case qcow2, raw }

    public var name: String
    /// An `http`, `https` or `file` URL.
    public var url: String
    /// The digest of the file at `url`. It also names the image in a node's cache.
    public var sha256: SHA256Digest
    public var format: Format

    public init(name: String, url: String, sha256: SHA256Digest, format: Format) {
        self.name = name
        self.url = url
        self.sha256 = sha256
        self.format = format
    }
}

/// A machine's place in its environment's network.
public struct NetworkAttachment: Hashable, Sendable, Codable {
    /// Names the bridge, one per environment on each node.
    public var environmentID: EnvironmentID
    public var subnet: Subnet
    public var address: IPv4Address
    public var mac: MACAddress
    /// Mapped one to one to `address`; nil when the machine has none.
    public var floatingIP: IPv4Address?

    public init(
        environmentID: EnvironmentID,
        subnet: Subnet,
        address: IPv4Address,
        mac: MACAddress,
        floatingIP: IPv4Address?
    ) {
        self.environmentID = environmentID
        self.subnet = subnet
        self.address = address
        self.mac = mac
        self.floatingIP = floatingIP
    }

    private enum CodingKeys: String, CodingKey {
        case environmentID = "environment_id"
        case subnet
        case address
        case mac
        case floatingIP = "floating_ip"
    }
}
