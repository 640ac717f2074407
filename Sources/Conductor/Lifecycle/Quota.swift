// SPDX-License-Identifier: Apache-2.0

/// What is counted.
package enum QuotaDimension: String, Sendable, Hashable, CaseIterable {
    case vms
    case vcpus
    /// In MiB, though its limits are whole GiB.
    case memory = "memory_gib"
    case gpus
    case volumes
    case volumeGiB = "volume_gib"
    case floatingIPs = "floating_ips"

    /// So many of what is counted are one of what the API shows.
    package var unit: Int { self == .memory ? 1024 : 1 }

    /// An amount as the API shows it.
    func text(_ amount: Int) -> String {
        amount.isMultiple(of: unit) ? "\(amount / unit)" : "\(Double(amount) / Double(unit))"
    }
}

/// Amounts by what is counted. As limits, what is missing has none; as amounts, it is 0.
package typealias QuotaAmounts = [QuotaDimension: Int]

/// Why something is not added: there would be more than is allowed.
package struct QuotaExceeded: Error, Sendable, Hashable, CustomStringConvertible {
    package let dimension: QuotaDimension
    package let used: Int
    package let limit: Int
    package let asked: Int
    /// Such as `the organization`.
    let owner: String

    package var description: String {
        "The quota of \(owner) for \(dimension.rawValue) is \(dimension.text(limit)): \(dimension.text(used)) are in use "
            + "and \(dimension.text(asked)) are asked for. Delete what is not needed, or ask the operator for more."
    }
}
