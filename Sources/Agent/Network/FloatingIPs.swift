// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import Logging

/// The floating addresses that this host answers for.
///
/// They are held on a bridge without ports that is ours alone, so that every address on it is one of ours. The kernel
/// answers ARP for them on the uplink, since they are local.
package struct FloatingIPs: Sendable {
    package static let device = "gantry-fip"
    /// Where guests find the metadata service.
    package static let metadataAddress = IPv4Address(value: 0xA9FE_A9FE)
    package static let metadataPort = 80

    private let uplink: String?
    private let logger: Logger

    /// - Parameters:
    ///   - uplink: Where the arrival of an address is announced.
    ///   - logger: For announcements that failed.
    package init(uplink: String?, logger: Logger) {
        (self.uplink, self.logger) = (uplink, logger)
    }

    /// Makes the device, with the metadata service's address.
    package func prepare() async throws {
        try await ensureDevice()
        try await Command("ip", ["address", "replace", "\(Self.metadataAddress)/32", "dev", Self.device]).run()
    }

    /// Makes the held addresses exactly the wanted ones, and the metadata service's.
    package func apply(_ wanted: Set<IPv4Address>) async throws {
        try await ensureDevice()
        let held = try await addresses()
        if !held.contains(Self.metadataAddress) { try await prepare() }
        for address in held.subtracting(wanted) where address != Self.metadataAddress {
            try await Command("ip", ["address", "del", "\(address)/32", "dev", Self.device]).run()
            await forgetConnections(of: address)
        }
        for address in wanted.subtracting(held) {
            try await Command("ip", ["address", "replace", "\(address)/32", "dev", Self.device]).run()
            await forgetConnections(of: address)
            announce(address)
        }
    }

    private func ensureDevice() async throws {
        guard !FileManager.default.fileExists(atPath: "/sys/class/net/\(Self.device)") else { return }
        // Up from its first moment: an agent that dies in between must not leave one that is down.
        try await Command("ip", ["link", "add", Self.device, "up", "type", "bridge"]).run()
    }

    private func addresses() async throws -> Set<IPv4Address> {
        struct Link: Decodable {
            struct Address: Decodable { let local: String }
            let addr_info: [Address]?
        }
        let output = try await Command("ip", ["-json", "-4", "address", "show", "dev", Self.device]).run()
        let links = try JSONDecoder().decode([Link].self, from: Data(output.utf8))
        return Set(links.flatMap { $0.addr_info ?? [] }.compactMap { try? IPv4Address($0.local) })
    }

    /// Connections of a former owner must not go on to the next.
    private func forgetConnections(of address: IPv4Address) async {
        // The program's status is 1 when there were none.
        _ = try? await Command("conntrack", ["-D", "--orig-dst", "\(address)"]).run()
        _ = try? await Command("conntrack", ["-D", "--reply-dst", "\(address)"]).run()
    }

    /// Neighbours learn at once where the address is now. Those that miss it learn by asking.
    private func announce(_ address: IPv4Address) {
        guard let uplink else { return }
        let logger = logger
        Task {
            do {
                try await Command("arping", ["-U", "-c", "2", "-w", "3", "-I", uplink, "\(address)"]).run()
            } catch {
                logger.notice("A floating IP could not be announced", metadata: ["error": "\(error)"])
            }
        }
    }
}
