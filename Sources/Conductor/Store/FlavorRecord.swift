// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// A size of machines in a region.
package struct FlavorRecord: Sendable, Hashable {
    package var id: FlavorID
    package var regionName: String
    package var name: String
    package var resources: Resources
    /// Empty without GPUs.
    package var gpuType: String
    package var gpuCount: Int
    package var stopPolicy: StopPolicy
    package var machineCount: Int
    package var createdAt: Date
}

/// A flavor with whether it is to be had.
package struct FlavorOffer: Sendable, Hashable {
    package var flavor: FlavorRecord
    /// Whether a node has room for one machine of it now.
    package var isAvailable: Bool
}

/// What a new flavor is to be.
package struct NewFlavor: Sendable, Hashable {
    package var region: String
    package var name: String
    package var resources: Resources
    package var gpuType: String
    package var gpuCount: Int
    package var stopPolicy: StopPolicy

    package init(
        region: String,
        name: String,
        resources: Resources,
        gpuType: String = "",
        gpuCount: Int = 0,
        stopPolicy: StopPolicy = .keep
    ) {
        (self.region, self.name, self.resources) = (region, name, resources)
        (self.gpuType, self.gpuCount, self.stopPolicy) = (gpuType, gpuCount, stopPolicy)
    }
}
