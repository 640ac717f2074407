// SPDX-License-Identifier: Apache-2.0

import GantryModel

/// Checks networks whose addresses machines are to get.
enum NetworkField {
    /// What means something else on every host (RFC 6890).
    private static let special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"]
        .compactMap { try? Subnet($0) }

    /// - Throws: ``APIError`` that names the field.
    static func check(_ text: String, _ field: String) throws(APIError) -> Subnet {
        let network: Subnet
        do throws(InvalidValue) {
            network = try Subnet(text)
        } catch {
            throw .invalid(field, error.description)
        }
        if let other = special.first(where: { $0.contains(network.base) || network.contains($0.base) }) {
            throw .invalid(field, "\(network) and \(other) overlap, whose addresses machines cannot have.")
        }
        return network
    }
}
