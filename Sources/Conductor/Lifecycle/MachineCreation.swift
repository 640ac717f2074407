// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// One request for virtual machines, its names already resolved within the caller's organization.
package struct MachineCreation: Sendable {
    /// A request may ask for this many at most.
    package static let maximumCount = 100

    package var organization: OrganizationID
    /// Who asked; nil for the system itself.
    package var user: UserID?
    package var environment: EnvironmentID
    package var flavor: FlavorID
    package var image: ImageID
    /// What the machines boot from.
    package var boot: BootDisk
    /// In the order in which they were asked for.
    package var keys: [KeyID]
    /// A memorable name is made when nil. With `count` above 1 the machines are `name-1` to `name-N`.
    package var name: String?
    /// 1 to ``maximumCount``: all of them are made, or none.
    package var count: Int
    package var labels: [String]
    package var assignFloatingIP: Bool
    package var hasEnhancedMetrics: Bool
    /// At most 64 KiB, as the tenant sent it.
    package var userData: Data?
    package var callbackURL: String?
    /// Beside the default rules, which every machine gets.
    package var securityRules: [SecurityRule]
    /// The request itself, where it is to be kept too.
    package var profile: NewProfile?
    package var idempotency: IdempotencyClaim?

    package init(
        organization: OrganizationID,
        user: UserID?,
        environment: EnvironmentID,
        flavor: FlavorID,
        image: ImageID,
        boot: BootDisk = .own,
        keys: [KeyID],
        name: String? = nil,
        count: Int = 1,
        labels: [String] = [],
        assignFloatingIP: Bool = false,
        hasEnhancedMetrics: Bool = false,
        userData: Data? = nil,
        callbackURL: String? = nil,
        securityRules: [SecurityRule] = [],
        profile: NewProfile? = nil,
        idempotency: IdempotencyClaim? = nil
    ) {
        self.organization = organization
        self.user = user
        self.environment = environment
        self.flavor = flavor
        self.image = image
        self.boot = boot
        self.keys = keys
        self.name = name
        self.count = count
        self.labels = labels
        self.assignFloatingIP = assignFloatingIP
        self.hasEnhancedMetrics = hasEnhancedMetrics
        self.userData = userData
        self.callbackURL = callbackURL
        self.securityRules = securityRules
        self.profile = profile
        self.idempotency = idempotency
    }
}

/// What a machine boots from.
package enum BootDisk: Sendable, Hashable {
    /// A disk of its own, which goes with it.
    case own
    /// A volume that begins as the image, is made with it and stays when it goes.
    case newVolume
    /// A bootable volume that there is.
    case volume(VolumeID)

    /// Whether the image is history: the volume began as it.
    var isExisting: Bool {
        if case .volume = self { true } else { false }
    }
}

/// A client's promise that requests with this key are one request.
package struct IdempotencyClaim: Sendable, Hashable {
    /// 1 to 255 characters.
    package var key: String
    /// Of the request's body, so that another body with the same key is noticed.
    package var digest: SHA256Digest

    package init(key: String, digest: SHA256Digest) {
        (self.key, self.digest) = (key, digest)
    }
}

/// What a request for machines came to.
package struct MachineCreationOutcome: Sendable {
    /// In the order of their names. Of a repeated request also those that are deleted since.
    package var machines: [VirtualMachineRecord]
    /// True when an earlier request with the same idempotency key had made them.
    package var repeated: Bool
}
