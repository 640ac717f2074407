// SPDX-License-Identifier: Apache-2.0

import Foundation
package import GantryModel
package import GantryProtocol
import Libvirt
package import Logging

/// The host's network as a whole: environment bridges with DHCP, the packet filter, floating IPs.
///
/// Filter and floating IPs are always applied whole, from the members known at that moment. Callers that come while a
/// run is under way share the next one.
package actor HostNetwork {
    private let hypervisor: Hypervisor
    private let floatingIPs: FloatingIPs
    private let logger: Logger
    private var members: [MachineUUID: NetworkMember] = [:]
    private var pools: [Subnet] = []
    /// Requests to apply the filter, and the last one that a run covered.
    private var (requested, applied) = (0, 0)
    private let filterQueue = SerialQueue()
    private let bridgeQueue = SerialQueue()
    /// What kept the last run from applying everything.
    private var trouble: String?

    package init(hypervisor: Hypervisor, floatingIPs: FloatingIPs, logger: Logger) {
        (self.hypervisor, self.floatingIPs, self.logger) = (hypervisor, floatingIPs, logger)
    }

    /// The member with this private address.
    package func member(at address: IPv4Address) -> NetworkMember? {
        members.values.first { $0.attachment.address == address }
    }

    /// Takes note of machines without applying anything: what the journal knows must not be dropped by the first run.
    package func restore(_ tasks: [MachineTask]) {
        for task in tasks { members[task.uuid] = NetworkMember(task) }
    }

    /// What keeps machines from the network, in words for the host's operator.
    package var problems: [String] { trouble.map { ["The packet filter is not as wanted: \($0)"] } ?? [] }

    // MARK: - Packet filter and floating IPs

    /// Makes filter and addresses hold for this machine too.
    package func admit(_ task: MachineTask) async throws {
        members[task.uuid] = NetworkMember(task)
        try await applyAll()
    }

    /// Makes filter and addresses hold without this machine.
    package func dismiss(_ uuid: MachineUUID) async throws {
        members[uuid] = nil
        try await applyAll()
    }

    /// Applies everything, also where somebody flushed the host's rules.
    package func maintain(_ pools: [Subnet]) async {
        self.pools = pools
        do {
            try await applyAll()
        } catch {
            // The next machine's step tries again, and fails with a reason.
            logger.error("The packet filter could not be set up", metadata: ["error": "\(error)"])
        }
    }

    private func applyAll() async throws {
        requested += 1
        let ticket = requested
        try await filterQueue.run { try await self.apply(ticket) }
    }

    private func apply(_ ticket: Int) async throws {
        // A run that began after this request has covered it.
        guard applied < ticket else { return }
        let covered = requested
        let text = Ruleset(members: Array(members.values), pools: pools).text
        let wanted = Set(members.values.compactMap(\.attachment.floatingIP))
        do {
            try await Command("nft", ["-f", "-"]).run(input: text)
            try await floatingIPs.apply(wanted)
        } catch {
            trouble = "\(error)"
            throw error
        }
        (applied, trouble) = (covered, nil)
    }

    // MARK: - Bridges and DHCP

    /// The environment's bridge is there, and its DHCP server knows the machine.
    package func attach(_ task: MachineTask) async throws {
        guard let member = NetworkMember(task) else { return }
        // Known at once, so that no other machine's end takes the network away meanwhile.
        members[task.uuid] = member
        try await bridgeQueue.run { try await self.attachNow(member.attachment) }
    }

    /// The DHCP server forgets the machine; the last one takes the environment's network with it.
    ///
    /// - Parameters:
    ///   - uuid: The machine.
    ///   - attachment: Where it was; nil when that is not known any more, and every network of ours is looked through.
    /// - Throws: what libvirt says.
    package func detach(_ uuid: MachineUUID, from attachment: NetworkAttachment?) async throws {
        try await bridgeQueue.run {
            if let attachment {
                try await self.detachNow(uuid, attachment)
            } else {
                try await self.removeUnused()
            }
        }
    }

    private func attachNow(_ attachment: NetworkAttachment) async throws {
        let name = EnvironmentNetwork.name(of: attachment.environmentID)
        let connection = try await hypervisor.connected(to: .change)
        let known = try await connection.networkXML(name)
        try await connection.startNetwork(name, xml: EnvironmentNetwork.xml(attachment).text)
        try KernelSettings.apply(to: EnvironmentNetwork.bridge(of: attachment.environmentID))
        guard let known, !Self.hasHost(attachment, in: known) else { return }
        for stale in Self.hosts(like: attachment, in: known) {
            try await connection.changeHost(.remove, stale, of: name)
        }
        try await connection.changeHost(.add, EnvironmentNetwork.host(attachment).text, of: name)
    }

    private func detachNow(_ uuid: MachineUUID, _ attachment: NetworkAttachment) async throws {
        let name = EnvironmentNetwork.name(of: attachment.environmentID)
        let connection = try await hypervisor.connected(to: .change)
        guard let xml = try await connection.networkXML(name) else { return }
        let others = members.values.contains {
            $0.uuid != uuid && $0.attachment.environmentID == attachment.environmentID
        }
        guard others else { return try await connection.removeNetwork(name) }
        for host in Self.hosts(like: attachment, in: xml) {
            try await connection.changeHost(.remove, host, of: name)
        }
    }

    /// Networks of ours that no machine is in go, and DHCP hosts that no machine is.
    private func removeUnused() async throws {
        let connection = try await hypervisor.connected(to: .change)
        for name in try await connection.networkNames() {
            guard let environment = EnvironmentNetwork.environment(ofNetwork: name) else { continue }
            let attachments = members.values.map(\.attachment).filter { $0.environmentID == environment }
            guard !attachments.isEmpty else {
                try await connection.removeNetwork(name)
                continue
            }
            let wanted = Set(attachments.map { Self.host($0) })
            for host in Self.hosts(in: try await connection.networkXML(name) ?? "") where !wanted.contains(host) {
                try await connection.changeHost(.remove, host, of: name)
            }
        }
    }

    private static func hasHost(_ attachment: NetworkAttachment, in xml: String) -> Bool {
        hosts(in: xml).contains(host(attachment))
    }

    /// The hosts of a network's DHCP with the machine's MAC or address.
    private static func hosts(like attachment: NetworkAttachment, in xml: String) -> [String] {
        hosts(in: xml)
            .filter { $0.contains("mac='\(attachment.mac)'") || $0.contains("ip='\(attachment.address)'") }
    }

    /// The hosts of a network's DHCP, as libvirt writes them.
    private static func hosts(in xml: String) -> [String] {
        xml.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { $0.hasPrefix("<host ") }
    }

    private static func host(_ attachment: NetworkAttachment) -> String {
        "<host mac='\(attachment.mac)' ip='\(attachment.address)'/>"
    }
}
