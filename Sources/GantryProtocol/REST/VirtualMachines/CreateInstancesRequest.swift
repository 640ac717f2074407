// SPDX-License-Identifier: Apache-2.0

/// `POST /v1/core/virtual-machines`: the vendor's fields, and `key_names` and an optional `name` beside them.
public struct CreateInstancesRequest: RequestFields, Hashable {
    public var name: String?
    public var environmentName: String?
    public var imageName: String?
    public var flavorName: String?
    public var keyName: String?
    public var keyNames: [String]?
    public var count: Int?
    public var labels: [String]?
    public var assignFloatingIP: Bool?
    public var userData: String?
    public var callbackURL: String?
    public var securityRules: [SecurityRuleRequest]?
    public var enablePortRandomization: Bool?
    /// Under which name the configuration is to be kept.
    public var profile: ProfileRequest?

    /// A bootable volume to boot from.
    public var volumeName: String?
    public var createBootableVolume: Bool?

    /// Whether each minute's metrics are kept for a week rather than a day.
    public var enhancedMonitoringEnabled: Bool?

    // A feature that is not there yet. It is read so that it can be refused by name.
    public var flavor: FlavorRequest?

    public init(
        name: String? = nil,
        environmentName: String,
        imageName: String,
        flavorName: String,
        keyNames: [String],
        count: Int = 1,
        labels: [String]? = nil,
        assignFloatingIP: Bool? = nil,
        userData: String? = nil,
        securityRules: [SecurityRuleRequest]? = nil
    ) {
        self.name = name
        (self.environmentName, self.imageName, self.flavorName) = (environmentName, imageName, flavorName)
        (self.keyNames, self.count, self.labels) = (keyNames, count, labels)
        (self.assignFloatingIP, self.userData, self.securityRules) = (assignFloatingIP, userData, securityRules)
    }

    public static var innerFields: [String: any RequestFields.Type] {
        ["security_rules": SecurityRuleRequest.self, "profile": ProfileRequest.self]
    }

    /// A flavor made up by the request itself.
    public struct FlavorRequest: Codable, Sendable, Hashable {
        public var cpu: Int?
        public var ram: Double?
        public var disk: Int?
        public var gpu: String?
        public var gpuCount: Int?

        private enum CodingKeys: String, CodingKey {
            case cpu
            case ram
            case disk
            case gpu
            case gpuCount = "gpu_count"
        }
    }

    /// A name under which the request is to be kept.
    public struct ProfileRequest: RequestFields, Hashable {
        public var name: String
        public var description: String?

        public init(name: String, description: String? = nil) {
            (self.name, self.description) = (name, description)
        }

        public enum CodingKeys: String, CodingKey, CaseIterable {
            case name
            case description
        }
    }

    public enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case environmentName = "environment_name"
        case imageName = "image_name"
        case flavorName = "flavor_name"
        case keyName = "key_name"
        case keyNames = "key_names"
        case count
        case labels
        case assignFloatingIP = "assign_floating_ip"
        case userData = "user_data"
        case callbackURL = "callback_url"
        case securityRules = "security_rules"
        case enablePortRandomization = "enable_port_randomization"
        case volumeName = "volume_name"
        case createBootableVolume = "create_bootable_volume"
        case flavor
        case profile
        case enhancedMonitoringEnabled = "enhanced_monitoring_enabled"
    }
}
