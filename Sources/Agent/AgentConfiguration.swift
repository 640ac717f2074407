// SPDX-License-Identifier: Apache-2.0

package import AMQP
package import Configuration
import Foundation
package import GantryModel
package import Logging
package import Settings

/// What an agent is told: flags over environment over file, read once at start.
///
/// ## Configuration keys:
/// - `conductor.url` (string, required): the conductor's address, such as `https://conductor.example:8443`.
/// - `node.name` (string, required): this node's name at the conductor, such as `node-1`.
/// - `node.api_key` (string, required, secret): this node's key.
/// - `amqp.url` (string, required, secret): RabbitMQ as this node's own user, such as
///   `amqps://node-1:PASSWORD@broker.example:5671/gantry`.
/// - `tls.authorities` (string, default what the system trusts): a PEM file with the only certificate authority whose word is
///   taken on who the conductor and RabbitMQ are.
/// - `state.directory` (string, default `/var/lib/gantry`): journal, images and machines, and the node's secrets once they
///   were rotated.
/// - `storage.local_pool` (string, default `local`): what the pool of volumes on this host's disk is called; empty for none.
/// - `storage.shared_pools` (list of `NAME=DIRECTORY`, default none): directories that several nodes mount, each with a file
///   `.gantry-pool` in it.
/// - `libvirt.uri` (string, default `qemu:///system`): this host's libvirt.
/// - `virt_type` (`auto`, `kvm` or `qemu`, default `auto`): how guests run; `auto` tries KVM and says what it found.
/// - `gpu.cleaning_hook` (string, optional): the whole path of a program that cleans GPUs between two guests beside their
///   reset. It gets their PCI addresses; an exit status other than 0 says that they are not clean.
/// - `gpu.cleaning_seconds` (integer 1 to 86400, default 600): how long the hook may take.
/// - `gpu.return_drivers` (boolean, default false): whether clean GPUs go back to the host's own drivers.
/// - `gpu.fabric_manager` (string, optional): the whole path of NVIDIA's `fmpm`, where Fabric Manager runs on this host in its
///   shared NVSwitch mode. Machines' GPUs are its partitions then, and clean GPUs go back to the host's own drivers.
/// - `gpu.fabric_modules` (list of `MODULE=ADDRESS`, default none): where the modules are that `fmpm -l` names by number
///   alone, such as `1=0000:1b:00.0`; `Packaging/gpu/modules` prints it.
/// - `uplink` (string, optional): the network device on which floating IPs are announced.
/// - `gpu.allow` (list, default `10de,1002`, which is NVIDIA and AMD): the GPUs that guests may have: a vendor, a vendor and
///   device (`10de:2330`) or a full address (`0000:65:00.0`) each. The firmware's display is never given away.
/// - `gpu.deny` (list as above, default none): devices that no guest gets, stronger than `gpu.allow`. What shares an IOMMU
///   group with them stays too.
/// - `gpu.types` (list of `DEVICE=TYPE`, default none): what flavors call them as `gpu_type`, such as
///   `10de:2330=H100-80G-SXM5`. Unsaid, it is the model's name in brackets in pci.ids, such as `H100-SXM5-80GB`.
/// - `gpu.quirks` (list of `DEVICE=QUIRK`, default none): what GPUs need of their guests, in place of what is known of their
///   model; several with “+” between them, or `none`. `no-mmap`: regions are reached through QEMU, slower, where mapping
///   large ones stalls guests. `no-rom`: guests do not see the ROM. `gpudirect`: NVIDIA's driver may copy between the
///   guest's GPUs directly, which the host has to allow.
/// - `huge_pages` (`none`, `2MiB` or `1GiB`, default `none`): what guests' memory is made of. With huge pages those that the
///   host has of the size are the memory that the node offers.
/// - `orphan_policy` (`report`, `stop` or `remove`, default `report`): what happens to domains that nobody wants.
/// - `reserved.vcpus` (integer 0 to 4096, default 0): processors kept for the host.
/// - `reserved.memory_mib` (integer 0 to 16777216, default 512): memory kept for the host, in MiB.
///   With huge pages it is of those that it is kept, by default none.
/// - `reserved.disk_gib` (integer 0 to 16777216, default 5): disk kept for the host, in GiB.
/// - `concurrency` (integer 1 to 64, default 8): machines worked on side by side.
/// - `look_interval` (integer 1 to 3600, default 30): seconds between looks at every machine; events bring most sooner.
/// - `metrics_interval` (integer 1 to 3600, default 60): seconds between measurements of what machines use, at most; the
///   conductor keeps one a minute.
/// - `health.address` (string, default `127.0.0.1`): where `/healthz` and `/metrics` are.
/// - `health.port` (integer 0 to 65535, default 9180): their port; 0 for any free one.
/// - `log.level` (`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`, default `info`): the least that the
///   log tells.
package struct AgentConfiguration: Sendable {
    package var conductorURL: String
    package var nodeName: NodeName
    package var nodeKey: String
    package var broker: AMQPConfiguration
    /// Nil for what the system trusts.
    package var authorities: CertificateAuthorities?
    package var stateDirectory: String
    /// Nil for no pool on the host's own disk.
    package var localPool: String?
    package var sharedPools: [SharedPool]
    package var libvirtURI: String
    package var virtType: VirtTypeProbe.Wish
    /// Nil for none.
    package var gpuCleaningHook: String?
    package var gpuCleaningSeconds: Int
    package var returnsGPUDrivers: Bool
    /// Nil for a host without Fabric Manager.
    package var gpuFabric: GPUFabric?
    package var uplink: String?
    package var gpus: GPUPolicy
    package var quirks: GPUQuirks
    package var hugePages: HugePages
    package var orphanPolicy: Supervisor.OrphanPolicy
    package var reserved: Resources
    package var concurrency: Int
    package var lookInterval: Int
    package var metricsInterval: Int
    package var healthAddress: String
    package var healthPort: Int
    package var logLevel: Logger.Level

    /// - Throws: ``InvalidValue`` or the reader's error, each of which names the key.
    package init(_ reader: ConfigReader) throws {
        conductorURL = try Self.webAddress("conductor.url", reader)
        nodeName = try Self.parsed("node.name", reader.requiredString(forKey: "node.name")) { try NodeName($0) }
        nodeKey = try reader.requiredString(forKey: "node.api_key", isSecret: true)
        broker = try Self.parsed("amqp.url", reader.requiredString(forKey: "amqp.url", isSecret: true)) { text in
            try AMQPConfiguration(url: text)
        }
        if let authorities = try reader.authorities() {
            (self.authorities, broker.authorities) = (authorities.content, authorities.path)
        }
        stateDirectory = try Self.absolutePath("state.directory", default: "/var/lib/gantry", reader)
        let localPool = reader.string(forKey: "storage.local_pool", default: "local")
        self.localPool = localPool.isEmpty ? nil : try Self.poolName(localPool, "storage.local_pool")
        sharedPools = try Self.sharedPools("storage.shared_pools", reader)
        libvirtURI = reader.string(forKey: "libvirt.uri", default: "qemu:///system")
        virtType = try reader.choice("virt_type", default: .auto)
        gpuCleaningHook = try reader.string(forKey: "gpu.cleaning_hook")
            .map { _ in
                try Self.absolutePath("gpu.cleaning_hook", default: "", reader)
            }
        gpuCleaningSeconds = try reader.number("gpu.cleaning_seconds", default: 600, in: 1...86400)
        returnsGPUDrivers = reader.bool(forKey: "gpu.return_drivers", default: false)
        gpuFabric = try GPUFabric(reader)
        uplink = reader.string(forKey: "uplink")
        gpus = try GPUPolicy(reader)
        quirks = try GPUQuirks(reader)
        hugePages = try reader.choice("huge_pages", default: .ordinary)
        orphanPolicy = try reader.choice("orphan_policy", default: .report)
        reserved = Resources(
            vcpus: try reader.number("reserved.vcpus", default: 0, in: 0...4096),
            memoryMiB: try reader.number(
                "reserved.memory_mib",
                default: hugePages == .ordinary ? 512 : 0,
                in: 0...1 << 24
            ),
            diskGiB: try reader.number("reserved.disk_gib", default: 5, in: 0...1 << 24)
        )
        concurrency = try reader.number("concurrency", default: 8, in: 1...64)
        lookInterval = try reader.number("look_interval", default: 30, in: 1...3600)
        metricsInterval = try reader.number("metrics_interval", default: 60, in: 1...3600)
        healthAddress = reader.string(forKey: "health.address", default: "127.0.0.1")
        healthPort = try reader.number("health.port", default: 9180, in: 0...65535)
        logLevel = try reader.choice("log.level", default: .info)
    }

    private static func parsed<Value>(
        _ key: ConfigKey,
        _ text: String,
        _ parse: (String) throws -> Value
    ) throws(InvalidValue) -> Value {
        do {
            return try parse(text)
        } catch {
            throw InvalidValue("\(key): \(error)")
        }
    }

    private static func sharedPools(_ key: ConfigKey, _ reader: ConfigReader) throws(InvalidValue) -> [SharedPool] {
        var pools: [SharedPool] = []
        for text in reader.stringArray(forKey: key, default: []) {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, parts[1].hasPrefix("/") else {
                throw InvalidValue("\(key): “\(text)” is no pool; write NAME=DIRECTORY, such as fast=/srv/fast.")
            }
            pools.append(SharedPool(name: try poolName(parts[0], key), directory: parts[1]))
        }
        return pools
    }

    private static func poolName(_ text: String, _ key: ConfigKey) throws(InvalidValue) -> String {
        guard text.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_.-]{0,49}/) != nil else {
            throw InvalidValue("\(key): “\(text)” is no name of a pool; use 1 to 50 letters, digits, “-”, “_” and “.”.")
        }
        return text
    }

    private static func webAddress(_ key: ConfigKey, _ reader: ConfigReader) throws -> String {
        let text = try reader.requiredString(forKey: key)
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host()?.isEmpty == false else {
            throw InvalidValue("\(key) is “\(text)”; write an address such as https://conductor.example:8443.")
        }
        return text
    }

    private static func absolutePath(
        _ key: ConfigKey,
        default fallback: String,
        _ reader: ConfigReader
    ) throws(InvalidValue) -> String {
        let path = reader.string(forKey: key, default: fallback)
        guard path.hasPrefix("/") else { throw InvalidValue("\(key) is “\(path)”; write a whole path, from “/” on.") }
        return path
    }
}
