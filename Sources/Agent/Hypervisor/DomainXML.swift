// SPDX-License-Identifier: Apache-2.0

import GantryModel
package import GantryProtocol

/// The paths of one machine's files on this host.
package struct MachineFiles: Hashable, Sendable {
    /// One directory a machine, named by its UUID.
    package let directory: String

    package var overlay: String { directory + "/disk.qcow2" }
    package var seed: String { directory + "/seed.iso" }
    package var consoleLog: String { directory + "/console.log" }

    package init(directory: String) {
        self.directory = directory
    }
}

/// How guests run on this host.
package enum VirtType: String, Sendable, Hashable, CaseIterable {
    /// On the processor's virtualization.
    case kvm
    /// Emulated by QEMU's TCG.
    case qemu
}

/// A machine's libvirt domain, as a pure function of what is wanted.
package struct DomainXML {
    private let task: MachineTask
    private let spec: MachineSpec
    private let files: MachineFiles
    /// The cached image below the overlay.
    private let imagePath: String
    private let virtType: VirtType
    private let volumes: [VolumeDisk]
    /// Where its processors and memory are to be; nil for anywhere.
    private let numaNode: NUMANode?
    private let quirks: GPUQuirks
    private let hugePages: HugePages

    package init(
        _ task: MachineTask,
        _ spec: MachineSpec,
        files: MachineFiles,
        imagePath: String,
        virtType: VirtType,
        disks volumes: [VolumeDisk] = [],
        numaNode: NUMANode? = nil,
        quirks: GPUQuirks = GPUQuirks(),
        hugePages: HugePages = .ordinary
    ) {
        (self.task, self.spec, self.files) = (task, spec, files)
        (self.imagePath, self.virtType, self.volumes) = (imagePath, virtType, volumes)
        (self.numaNode, self.quirks, self.hugePages) = (numaNode, quirks, hugePages)
    }

    /// The name of a machine's domain.
    package static func name(of task: MachineTask) -> String { "gantry-\(task.uuid)" }

    /// The name of a machine's tap device, by which the packet filter knows it. At most 15 bytes (`IFNAMSIZ`).
    package static func tap(of task: MachineTask) -> String { "gtap\(task.machineID)" }

    package var xml: XML {
        XML("domain", ["type": virtType.rawValue]) {
            XML("name", text: Self.name(of: task))
            XML("uuid", text: "\(task.uuid)")
            XML("description", text: spec.name)
            XML("metadata") { MachineMark(task).xml }
            XML("memory", ["unit": "MiB"], text: "\(spec.resources.memoryMiB)")
            hugePages.xml
            place
            firmware
            XML("features") {
                XML("acpi")
                XML("apic")
            }
            processor
            XML("clock", ["offset": "utc"])
            XML("on_poweroff", text: "destroy")
            XML("on_reboot", text: "restart")
            XML("on_crash", text: "destroy")
            XML("pm") {
                XML("suspend-to-mem", ["enabled": "no"])
                XML("suspend-to-disk", ["enabled": "no"])
            }
            devices
            overrides
        }
    }

    /// Beside the GPUs as far as there is room: a guest with memory from elsewhere is slower, one without any is none.
    private var place: [XML] {
        let count = "\(spec.resources.vcpus)"
        guard let numaNode else { return [XML("vcpu", text: count)] }
        return [
            XML("vcpu", ["cpuset": numaNode.processors], text: count),
            XML("numatune") { XML("memory", ["mode": "preferred", "nodeset": "\(numaNode.number)"]) },
        ]
    }

    /// BIOS, which starts sooner; OVMF with GPUs, whose BARs want its 64-bit window.
    private var firmware: XML {
        if spec.gpus.isEmpty {
            return XML("os") {
                XML("type", ["arch": "x86_64", "machine": "q35"], text: "hvm")
                XML("boot", ["dev": "hd"])
            }
        }
        return XML("os", ["firmware": "efi"]) {
            XML("type", ["arch": "x86_64", "machine": "q35"], text: "hvm")
            // Tenants' images and the GPUs' drivers are rarely signed with the keys that the firmware comes with.
            XML("firmware") { XML("feature", ["enabled": "no", "name": "secure-boot"]) }
            XML("boot", ["dev": "hd"])
        }
    }

    private var processor: XML {
        switch virtType {
        case .kvm:
            XML("cpu", ["mode": "host-passthrough"]) { XML("maxphysaddr", ["mode": "passthrough"]) }
        case .qemu:
            XML("cpu", ["mode": "maximum"])
        }
    }

    private var devices: XML {
        XML("devices") {
            // No USB controller, no sound: each is code that a guest can reach.
            XML("controller", ["type": "usb", "model": "none"])
            // Where ports are named, libvirt wants what they are below named first.
            XML("controller", ["type": "pci", "index": "0", "model": "pcie-root"])
            rootPorts
            if spec.rootVolume == nil { disk }
            volumes.map(\.xml)
            seed
            interface
            XML("serial", ["type": "pty"]) {
                XML("log", ["file": files.consoleLog, "append": "on"])
                XML("target", ["port": "0"])
            }
            display
            XML("channel", ["type": "unix"]) { XML("target", ["type": "virtio", "name": "org.qemu.guest_agent.0"]) }
            XML("rng", ["model": "virtio"]) { XML("backend", ["model": "random"], text: "/dev/urandom") }
            XML("memballoon", ["model": spec.gpus.isEmpty ? "virtio" : "none"])
            // Tells the host of a guest's kernel panic.
            XML("panic", ["model": "isa"])
            functions.map(hostDevice)
        }
    }

    /// For the console: no port and no socket leads to it, only libvirt hands out connections. A guest with GPUs gets the
    /// display that no other device is mistaken for.
    private var display: [XML] {
        [
            XML("graphics", ["type": "vnc"]) { XML("listen", ["type": "none"]) },
            XML("video") { XML("model", ["type": spec.gpus.isEmpty ? "vga" : "virtio"]) },
        ]
    }

    /// Ports for disk, seed, network, channels, random numbers and balloon, and for each volume that may be plugged in while
    /// the guest runs: ports themselves cannot be.
    static let otherPorts = 6 + VolumeDisk.maximumCount

    /// A port of its own for each function of a GPU, below the root complex as on a physical host, and the others.
    private var rootPorts: [XML] {
        (0..<functions.count + Self.otherPorts)
            .map { _ in XML("controller", ["type": "pci", "model": "pcie-root-port"]) }
    }

    /// The formats of the overlay and of what is below it are said, so that QEMU probes neither (CVE-2024-32498).
    private var disk: XML {
        XML("disk", ["type": "file", "device": "disk"]) {
            // Without the host's page cache a guest's flush is durable and its data is cached once, in the guest.
            XML("driver", ["name": "qemu", "type": "qcow2", "cache": "none", "io": "native", "discard": "unmap"])
            XML("source", ["file": files.overlay])
            XML("backingStore", ["type": "file"]) {
                XML("format", ["type": spec.image.format.rawValue])
                XML("source", ["file": imagePath])
                XML("backingStore")
            }
            XML("target", ["dev": "vda", "bus": "virtio"])
        }
    }

    /// A read-only virtio disk: Debian's cloud kernel, for one, drives no CD-ROM.
    private var seed: XML {
        XML("disk", ["type": "file", "device": "disk"]) {
            XML("driver", ["name": "qemu", "type": "raw"])
            XML("source", ["file": files.seed])
            XML("target", ["dev": "vdb", "bus": "virtio"])
            XML("readonly")
        }
    }

    private var interface: XML {
        XML("interface", ["type": "network"]) {
            XML("mac", ["address": "\(spec.network.mac)"])
            XML("source", ["network": EnvironmentNetwork.name(of: spec.network.environmentID)])
            XML("target", ["dev": Self.tap(of: task)])
            XML("model", ["type": "virtio"])
            // Guests reach each other through the host's packet filter alone.
            XML("port", ["isolated": "yes"])
        }
    }

    /// All that goes to the guest with its GPUs.
    private var functions: [PCIFunction] { spec.gpus.flatMap(\.functions) }

    private func hostDevice(_ function: PCIFunction) -> XML {
        let quirks = quirks.quirks(of: function)
        return XML("hostdev", ["mode": "subsystem", "type": "pci", "managed": "no"]) {
            XML("driver", ["name": "vfio"])
            XML("source") {
                XML(
                    "address",
                    [
                        "domain": "0x" + String(function.address.domain, radix: 16),
                        "bus": "0x" + String(function.address.bus, radix: 16),
                        "slot": "0x" + String(function.address.device, radix: 16),
                        "function": "0x" + String(function.address.function, radix: 16),
                    ]
                )
            }
            if quirks.contains(where: { $0.property != nil }) { XML("alias", ["name": Self.alias(of: function)]) }
            if quirks.contains(.noROM) { XML("rom", ["enabled": "no"]) }
        }
    }

    /// A name of ours, by which QEMU's properties are set; libvirt leaves those that begin like this to others.
    private static func alias(of function: PCIFunction) -> String {
        "ua-gpu-" + "\(function.address)".replacing(/[:.]/, with: "-")
    }

    private var overrides: [XML] {
        let devices = functions.compactMap { function -> XML? in
            let properties = quirks.quirks(of: function).compactMap(\.property).sorted { $0.name < $1.name }
            guard !properties.isEmpty else { return nil }
            return XML("qemu:device", ["alias": Self.alias(of: function)]) {
                XML("qemu:frontend") {
                    properties.map { XML("qemu:property", ["name": $0.name, "type": $0.type, "value": $0.value]) }
                }
            }
        }
        guard !devices.isEmpty else { return [] }
        return [XML("qemu:override", ["xmlns:qemu": "http://libvirt.org/schemas/domain/qemu/1.0"]) { devices }]
    }
}
