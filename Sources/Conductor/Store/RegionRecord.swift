// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// A place where machines can be.
package struct RegionRecord: Sendable, Hashable {
    package var id: RegionID
    package var name: String
    package var description: String
    package var country: String
    /// Where the private networks of environments are cut from.
    package var network: Subnet
    package var environmentPrefix: Int
    package var environmentCount: Int
    package var nodeCount: Int
    package var createdAt: Date
}

/// What an operator says of a region; what is nil stays as it is, or as the schema has it.
package struct RegionChange: Sendable, Hashable {
    package var name: String?
    package var description: String?
    package var country: String?
    package var network: Subnet?
    /// 16 to 29, and no shorter than the network's.
    package var environmentPrefix: Int?

    package init(
        name: String? = nil,
        description: String? = nil,
        country: String? = nil,
        network: Subnet? = nil,
        environmentPrefix: Int? = nil
    ) {
        (self.name, self.description, self.country) = (name, description, country)
        (self.network, self.environmentPrefix) = (network, environmentPrefix)
    }
}
