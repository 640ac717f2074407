// SPDX-License-Identifier: Apache-2.0

package import Configuration
import Foundation
package import GantryModel

/// What an agent is told: flags over environment over file, read once at start.
///
/// ## Configuration keys:
/// - `conductor.url` (string, required): the conductor's address, such as `https://conductor.example:8443`.
/// - `node.name` (string, required): this node's name at the conductor.
/// - `node.api_key` (string, required, secret): this node's key.
/// - `amqp.url` (string, required, secret): RabbitMQ as this node's own user.
/// - `state.directory` (string, default `/var/lib/gantry`): journal, images and machines.
/// - `libvirt.uri` (string, default `qemu:///system`): this host's libvirt.
/// - `virt_type` (`auto`, `kvm` or `qemu`, default `auto`): how guests run; `auto` tries KVM and says what it found.
/// - `uplink` (string, optional): the network device on which floating IPs are announced.
/// - `orphan_policy` (`report`, `stop` or `remove`, default `report`): what happens to domains that nobody wants.
/// - `reserved.vcpus`, `reserved.memory_mib`, `reserved.disk_gib` (integers ≥ 0, default 0, 512, 5): kept for the host.
/// - `concurrency` (integer 1 to 64, default 8): machines worked on side by side.
/// - `metadata.address` (string, default `169.254.169.254`), `metadata.port` (integer, default 80): for guests.
/// - `health.address` (string, default `127.0.0.1`), `health.port` (integer, default 9180): `/healthz` and `/metrics`.
/// - `log.level` (string, default `info`).
package struct AgentConfiguration: Sendable {
    package var conductorURL: String
    package var nodeName: NodeName
    package var nodeKey: String
    package var amqpURL: String
    package var stateDirectory: String
    package var libvirtURI: String
    package var virtType: VirtTypeProbe.Wish
    package var uplink: String?
    package var orphanPolicy: Supervisor.OrphanPolicy
    package var reserved: Resources
    package var concurrency: Int
    package var metadataAddress: String
    package var metadataPort: Int
    package var healthAddress: String
    package var healthPort: Int
    package var logLevel: String

    /// - Throws: ``InvalidValue`` or the reader's error, each of which names the key.
    package init(_ reader: ConfigReader) throws {
        conductorURL = try reader.requiredString(forKey: "conductor.url")
        nodeName = try NodeName(reader.requiredString(forKey: "node.name"))
        nodeKey = try reader.requiredString(forKey: "node.api_key", isSecret: true)
        amqpURL = try reader.requiredString(forKey: "amqp.url", isSecret: true)
        stateDirectory = reader.string(forKey: "state.directory", default: "/var/lib/gantry")
        libvirtURI = reader.string(forKey: "libvirt.uri", default: "qemu:///system")
        virtType = try Self.choice("virt_type", .auto, reader)
        uplink = reader.string(forKey: "uplink")
        orphanPolicy = try Self.choice("orphan_policy", .report, reader)
        reserved = Resources(
            vcpus: try Self.number("reserved.vcpus", 0, 0...4096, reader),
            memoryMiB: try Self.number("reserved.memory_mib", 512, 0...1 << 24, reader),
            diskGiB: try Self.number("reserved.disk_gib", 5, 0...1 << 24, reader)
        )
        concurrency = try Self.number("concurrency", 8, 1...64, reader)
        metadataAddress = reader.string(forKey: "metadata.address", default: "169.254.169.254")
        metadataPort = try Self.number("metadata.port", 80, 1...65535, reader)
        healthAddress = reader.string(forKey: "health.address", default: "127.0.0.1")
        healthPort = try Self.number("health.port", 9180, 0...65535, reader)
        logLevel = reader.string(forKey: "log.level", default: "info")
    }

    private static func number(
        _ key: ConfigKey,
        _ fallback: Int,
        _ range: ClosedRange<Int>,
        _ reader: ConfigReader
    ) throws -> Int {
        let value = reader.int(forKey: key, default: fallback)
        guard range.contains(value) else {
            throw InvalidValue("\(key) is \(value); it can be \(range.lowerBound) to \(range.upperBound).")
        }
        return value
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: ConfigKey,
        _ fallback: Choice,
        _ reader: ConfigReader
    ) throws -> Choice {
        let text = reader.string(forKey: key, default: fallback.rawValue)
        guard let choice = Choice(rawValue: text) else {
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw InvalidValue("\(key) is “\(text)”; it can be \(choices).")
        }
        return choice
    }
}
