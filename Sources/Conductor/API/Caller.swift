// SPDX-License-Identifier: Apache-2.0

package import GantryModel

/// Whose key came with a request.
package enum Caller: Sendable, Hashable {
    case tenant(Tenant)
    case `operator`(Operator)
}

/// A user of an organization, to which all that the request reads and writes is scoped.
package struct Tenant: Sendable, Hashable {
    package var user: UserID
    package var organization: OrganizationID
    /// The one that came with the request.
    package var key: APIKeyID
    /// What that key may.
    package var grant: KeyGrant

    package init(user: UserID, organization: OrganizationID, key: APIKeyID, grant: KeyGrant = KeyGrant()) {
        (self.user, self.organization, self.key, self.grant) = (user, organization, key, grant)
    }
}

/// Somebody who looks after the cloud.
package struct Operator: Sendable, Hashable {
    package var user: UserID
    /// The one that came with the request.
    package var key: APIKeyID
    /// A read-only one looks; all others do everything.
    package var role: KeyRole

    package init(user: UserID, key: APIKeyID, role: KeyRole = .owner) {
        (self.user, self.key, self.role) = (user, key, role)
    }
}
