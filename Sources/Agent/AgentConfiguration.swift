// SPDX-License-Identifier: Apache-2.0

package import AMQP
import Foundation
package import GantryModel
package import Logging
package import Settings

/// What an agent is told: environment over credentials over file.
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
/// - `status.address` (string, default `127.0.0.1`): where `/healthz`, `/readyz` and `/metrics` are.
/// - `status.port` (integer 0 to 65535, default 9180): their port; 0 for any free one.
/// - `log.level` (`trace`, `debug`, `info`, `notice`, `warning`, `error` or `critical`, default `info`,
///   reloaded): the least that the log tells.
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
    package var statusAddress: String
    package var statusPort: Int
    package var logLevel: Logger.Level

    /// - Throws: ``InvalidValue`` with all that is wrong, a line for each key.
    package init(_ settings: SettingsReader) throws(InvalidValue) {
        let conductorURL = settings.required("conductor.url") { try Self.webAddress($0) }
        let nodeName = settings.required("node.name") { try NodeName($0) }
        let nodeKey = settings.required("node.api_key", isSecret: true) { $0 }
        let broker = settings.required("amqp.url", isSecret: true) { try AMQPConfiguration(url: $0) }
        let authorities = settings.authorities()
        self.authorities = authorities?.content
        stateDirectory = Self.stateDirectory(settings)
        localPool = settings.parsed("storage.local_pool", default: "local") { try $0.isEmpty ? "" : Self.poolName($0) }
            .flatMap { $0.isEmpty ? nil : $0 }
        sharedPools = settings.list("storage.shared_pools") { try Self.sharedPool($0) }
        libvirtURI = settings.text("libvirt.uri", default: "qemu:///system")
        virtType = settings.choice("virt_type", default: .auto)
        gpuCleaningHook = settings.parsed("gpu.cleaning_hook") { try Self.wholePath($0) }
        gpuCleaningSeconds = settings.number("gpu.cleaning_seconds", default: 600, in: 1...86400)
        returnsGPUDrivers = settings.flag("gpu.return_drivers", default: false)
        gpuFabric = GPUFabric(settings)
        uplink = settings.text("uplink")
        gpus = GPUPolicy(settings)
        quirks = GPUQuirks(settings)
        hugePages = settings.choice("huge_pages", default: .ordinary)
        orphanPolicy = settings.choice("orphan_policy", default: .report)
        reserved = Resources(
            vcpus: settings.number("reserved.vcpus", default: 0, in: 0...4096),
            memoryMiB: settings.number(
                "reserved.memory_mib",
                default: hugePages == .ordinary ? 512 : 0,
                in: 0...1 << 24
            ),
            diskGiB: settings.number("reserved.disk_gib", default: 5, in: 0...1 << 24)
        )
        concurrency = settings.number("concurrency", default: 8, in: 1...64)
        lookInterval = settings.number("look_interval", default: 30, in: 1...3600)
        metricsInterval = settings.number("metrics_interval", default: 60, in: 1...3600)
        statusAddress = settings.text("status.address", default: "127.0.0.1")
        statusPort = settings.number("status.port", default: 9180, in: 0...65535)
        logLevel = settings.choice("log.level", default: .info)
        try settings.finish()
        guard let conductorURL, let nodeName, let nodeKey, let broker else {
            throw InvalidValue("conductor.url, node.name, node.api_key and amqp.url have to be said.")
        }
        (self.conductorURL, self.nodeName, self.nodeKey, self.broker) = (conductorURL, nodeName, nodeKey, broker)
        if let path = authorities?.path { self.broker.authorities = path }
    }

    /// What the key `state.directory` says.
    package static func stateDirectory(_ settings: SettingsReader) -> String {
        let usual = "/var/lib/gantry"
        return settings.parsed("state.directory", default: usual) { try wholePath($0) } ?? usual
    }

    private static func sharedPool(_ text: String) throws(InvalidValue) -> SharedPool {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[1].hasPrefix("/") else {
            throw InvalidValue("“\(text)” is no pool; write NAME=DIRECTORY, such as fast=/srv/fast.")
        }
        return SharedPool(name: try poolName(parts[0]), directory: parts[1])
    }

    private static func poolName(_ text: String) throws(InvalidValue) -> String {
        guard text.wholeMatch(of: /[A-Za-z0-9][A-Za-z0-9_.-]{0,49}/) != nil else {
            throw InvalidValue("“\(text)” is no name of a pool; use 1 to 50 letters, digits, “-”, “_” and “.”.")
        }
        return text
    }

    private static func webAddress(_ text: String) throws(InvalidValue) -> String {
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme), url.host()?.isEmpty == false else {
            throw InvalidValue("“\(text)” is no address; write one such as https://conductor.example:8443.")
        }
        return text
    }

    private static func wholePath(_ text: String) throws(InvalidValue) -> String {
        guard text.hasPrefix("/") else { throw InvalidValue("“\(text)” is no whole path; write it from “/” on.") }
        return text
    }
}
