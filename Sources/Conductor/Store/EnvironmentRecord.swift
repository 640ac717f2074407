// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// An environment of an organization.
package struct EnvironmentRecord: Sendable, Hashable {
    package var id: EnvironmentID
    package var name: String
    package var regionName: String
    package var subnet: Subnet
    package var createdAt: Date
}

/// How many addresses an environment's network has.
package struct EnvironmentQuota: Sendable, Hashable {
    package var subnet: Subnet
    package var used: Int
    package var total: Int
}
