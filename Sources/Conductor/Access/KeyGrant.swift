// SPDX-License-Identifier: Apache-2.0

package import Foundation
package import GantryModel

/// What a tenant's key is for. The stronger one is the greater.
package enum KeyRole: String, Sendable, Hashable, CaseIterable, Comparable {
    /// Looks, and changes nothing.
    case readOnly = "read-only"
    /// Does all that users do, and looks after the keys of its own user.
    case member
    /// Also looks after the keys of all users of the organization.
    case owner

    package static func < (left: Self, right: Self) -> Bool { left.strength < right.strength }

    private var strength: Int {
        switch self {
        case .readOnly: 0
        case .member: 1
        case .owner: 2
        }
    }

    /// Those that may do what this one may, in words.
    var andAbove: String {
        Self.allCases.filter { $0 >= self }.map(\.rawValue).joined(separator: " or ")
    }
}

/// What a key may, where, and until when.
package struct KeyGrant: Sendable, Hashable {
    package var role: KeyRole
    /// The only environments that it reaches; nil for all of the organization.
    package var environments: [EnvironmentID]?
    /// Nil for one without an end.
    package var expiresAt: Date?

    package init(role: KeyRole = .owner, environments: [EnvironmentID]? = nil, expiresAt: Date? = nil) {
        (self.role, self.environments, self.expiresAt) = (role, environments, expiresAt)
    }

    /// What a key with this grant lacks for one with another grant: no key makes one that is stronger than itself.
    ///
    /// - Returns: nil for nothing; otherwise a sentence.
    package func lack(for other: KeyGrant) -> String? {
        if other.role > role {
            return "role: this key is \(role.rawValue); a key with the role \(other.role.andAbove) is needed."
        }
        if let environments, !Set(other.environments ?? []).isSubset(of: environments) || other.environments == nil {
            return "environments: this key reaches some environments only; name no others."
        }
        if let expiresAt, other.expiresAt.map({ $0 > expiresAt }) ?? true {
            return "expires_at: this key ends sooner; name a time before its own end."
        }
        return nil
    }
}
