// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryTestSupport
import Testing

/// The hosts of `Fixtures/gpu`.
let recordedHosts = [
    "bmc", "boot-vga", "domains", "hgx-h100", "mi300x", "narrow-iommu", "narrow-processor", "no-acs", "no-iommu-amd",
    "no-iommu-intel", "shared-nic",
]

@Suite("A host's GPUs are found in sysfs, by IOMMU group")
struct GPUScanTests {
    @Test("Each recorded host's units are as known", arguments: recordedHosts)
    func golden(_ host: String) async throws {
        try await withRecordedHost(host) { root in
            let units = try GPUScan(root: root, policy: GPUPolicy()).units()
            try await expectGolden(units.map(\.text).joined(separator: "\n"), "gpus-\(host).txt")
        }
    }

    @Test("A recorded host that is recorded again is the same", arguments: recordedHosts)
    func recording(_ host: String) async throws {
        try await withRecordedHost(host) { root in
            let text = try await shell(Repository.path("Packaging/gpu/record"), root)
            let known = try String(
                contentsOfFile: Repository.path("Tests/AgentTests/Fixtures/gpu/\(host).txt"),
                encoding: .utf8
            )
            #expect(text.split(separator: "\n").dropFirst() == known.split(separator: "\n").dropFirst())
        }
    }

    @Test("This host's own record has all of its devices and none of its network addresses")
    func ownRecord() async throws {
        let text = try await shell(Repository.path("Packaging/gpu/record"))
        for interface in try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net") where interface != "lo" {
            let address = try? String(contentsOfFile: "/sys/class/net/\(interface)/address", encoding: .utf8)
            guard let address, address.count > 12 else { continue }
            #expect(!text.contains(address.trimmingCharacters(in: .newlines)))
        }
        try await withTemporaryDirectory { root in
            try text.write(toFile: "\(root)/record.txt", atomically: true, encoding: .utf8)
            try await shell(Repository.path("Packaging/gpu/unpack"), "\(root)/record.txt", root)
            #expect(try PCIBus(root: root).devices() == PCIBus().devices())
        }
    }

    private func units(_ host: String, _ policy: GPUPolicy, uplink: String? = nil) async throws -> [GPUUnit] {
        var units: [GPUUnit] = []
        try await withRecordedHost(host) { units = try GPUScan(root: $0, policy: policy, uplink: uplink).units() }
        return units
    }

    @Test("The operator says which devices are offered, and as what")
    func policy() async throws {
        let first = try PCIAddress("0000:01:00.0")
        let one = try await units("shared-nic", GPUPolicy(allow: [.address(try PCIAddress("0000:11:00.0"))]))
        #expect(one.map(\.gpus[0].address) == [try PCIAddress("0000:11:00.0")])
        #expect(try await units("shared-nic", GPUPolicy(allow: [.vendor("1002")])).isEmpty)
        #expect(try await units("shared-nic", GPUPolicy(deny: [.id("10de:26b5")])).isEmpty)
        let types: [GPUPolicy.Pattern: String] = [.vendor("10de"): "N", .id("10de:26b5"): "L", .address(first): "F"]
        #expect(try await units("shared-nic", GPUPolicy(types: types)).map(\.gpuType) == ["F", "L"])
    }

    @Test("A group with a device that is denied, or with the uplink, stays whole")
    func denied() async throws {
        let audio = try await units("no-acs", GPUPolicy(deny: [.address(try PCIAddress("0000:03:00.1"))]))
        #expect(
            audio.map(\.obstacle) == ["0000:03:00.1, in the same IOMMU group 2, is denied by gpu.deny."]
        )
        let uplink = try await units("shared-nic", GPUPolicy(), uplink: "eno2")[1]
        #expect(uplink.obstacle == "0000:12:00.0, in the same IOMMU group 2, carries floating IPs by eno2.")
    }

    @Test("A group whose network adapter is up, by itself or in another interface, stays whole without any route")
    func interfaces() async throws {
        try await withRecordedHost("shared-nic") { root in
            let (files, classes, scan) = (
                FileManager.default, "\(root)/sys/class/net", GPUScan(root: root, policy: GPUPolicy())
            )
            try Data().write(to: URL(filePath: "\(root)/proc/net/route"))
            #expect(
                try scan.units().map(\.obstacle) == [
                    "0000:02:00.0, in the same IOMMU group 1, carries the network interface eno1, which is up.",
                    "0000:12:00.0, in the same IOMMU group 2, carries the network interface eno2, which is up.",
                ]
            )
            for name in ["eno1", "eno2"] {
                try Data("0x1002\n".utf8).write(to: URL(filePath: "\(classes)/\(name)/flags"))
            }
            #expect(try scan.units()[0].obstacle?.contains("the network interface br0, which is up") == true)
            #expect(try scan.units()[1].obstacle == nil)
            try files.createDirectory(atPath: "\(classes)/team0", withIntermediateDirectories: true)
            try files.createSymbolicLink(atPath: "\(classes)/team0/lower_eno2", withDestinationPath: "../eno2")
            try Data("0x1003\n".utf8).write(to: URL(filePath: "\(classes)/team0/flags"))
            #expect(try scan.units()[1].obstacle?.contains("the network interface team0, which is up") == true)
        }
    }

    @Test(
        "A group with a disk stays with the host, whatever the disk is reached through",
        arguments: [
            ("hgx-h100", "0000:1b:00.0", "9", "0000:16:00.0", "nvme0n1p2, which holds /"),
            ("mi300x", "0000:05:00.0", "41", "0000:c1:00.0", "nvme0n1p1, which holds /"),
            ("domains", "0000:01:00.0", "10", "10000:01:00.0", "nvme0n1p2, which holds /"),
            ("no-acs", "0000:03:00.0", "3", "0000:00:17.0", "sda1, which holds /"),
        ]
    )
    func disks(_ host: String, _ gpu: String, _ group: String, _ controller: String, _ disk: String) async throws {
        try await withRecordedHost(host) { root in
            let link = "\(root)/sys/bus/pci/devices/\(gpu)/iommu_group"
            try FileManager.default.removeItem(atPath: link)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "../\(group)")
            let units = try GPUScan(root: root, policy: GPUPolicy()).units()
            let unit = try #require(units.first { "\($0.gpus[0].address)" == gpu })
            #expect(unit.obstacle == "\(controller), in the same IOMMU group \(group), has the disk \(disk).")
            // Without a mount it is a disk all the same.
            try Data().write(to: URL(filePath: "\(root)/proc/self/mountinfo"))
            try Data().write(to: URL(filePath: "\(root)/proc/swaps"))
            let unmounted = try GPUScan(root: root, policy: GPUPolicy()).units()
            #expect(unmounted.contains { $0.obstacle?.contains("\(controller), in the same IOMMU group") == true })
        }
    }

    @Test("What the kernel's log says of a device, or of a bridge above it, concerns its unit")
    func incidents() async throws {
        try await withRecordedHost("mi300x") { root in
            let scan = GPUScan(root: root, policy: GPUPolicy())
            let line = "pcieport 0000:00:01.0: AER: Uncorrected (Fatal) error received: 0000:01:00.0"
            let incident = try #require(KernelIncident(line))
            let above = try scan.units(incidents: [incident.device: incident])
            #expect(above.map(\.incidents) == [[incident], []])
            #expect(try scan.units().allSatisfy { $0.incidents.isEmpty })
        }
    }

    @Test("A driver on a bridge of the group, and a group without an IOMMU, are obstacles")
    func viability() async throws {
        try await withRecordedHost("domains") { root in
            let files = FileManager.default
            let scan = GPUScan(root: root, policy: GPUPolicy())
            let port = "\(root)/sys/bus/pci/devices/0001:00:01.0"
            for (link, target) in [("driver", "lpc_ich"), ("iommu_group", "3")] {
                try files.removeItem(atPath: "\(port)/\(link)")
                try files.createSymbolicLink(atPath: "\(port)/\(link)", withDestinationPath: "../\(target)")
            }
            let obstacle = try #require(try scan.units()[1].obstacle)
            #expect(obstacle.contains("0001:00:01.0, in the same IOMMU group 3,") && obstacle.contains("lpc_ich"))
            try Data("vfio-noiommu\n".utf8).write(to: URL(filePath: "\(root)/sys/kernel/iommu_groups/1/name"))
            #expect(try scan.units()[0].obstacle?.contains("no-IOMMU mode") == true)
        }
    }

    @Test("A device that is unplugged during the look is left out, and a host without PCI is told")
    func unplugged() async throws {
        try await withRecordedHost("domains") { root in
            try FileManager.default.removeItem(atPath: "\(root)/sys/bus/pci/devices/0001:01:00.0/vendor")
            #expect(try GPUScan(root: root, policy: GPUPolicy()).units().count == 1)
        }
        try await withTemporaryDirectory { root in
            #expect(throws: Fault.self) { try GPUScan(root: root, policy: GPUPolicy()).units() }
        }
    }

    @Test(
        "A flavor's type is the model's name in brackets, in letters that need no quotes",
        arguments: [
            ("GH100 [H100 SXM5 80GB]", "H100-SXM5-80GB"), ("GH100[H100 SXM5 80GB]", "H100-SXM5-80GB"),
            ("GA102GL [RTX A6000]", "RTX-A6000"), ("AD102GL [L40]", "L40"), ("GA107GL [A2 / A16]", "A2-A16"),
            ("Aqua Vanjaram [Instinct MI300X]", "Instinct-MI300X"), ("10de:9999", "10de-9999"),
        ]
    )
    func types(_ model: String, _ type: String) async throws {
        try await withRecordedHost("domains") { root in
            let device = try PCIBus(root: root).devices()[0]
            #expect(GPUPolicy().gpuType(of: device, model: model) == type)
        }
    }

    @Test("Names come from the vendor's own part of pci.ids, and not from a subsystem's")
    func names() async throws {
        try await withTemporaryDirectory { root in
            let directory = "\(root)/usr/share/misc"
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            let text = """
                1002  AMD
                \t2330  Not this
                10de  NVIDIA
                \t0020  Old
                \t\t2330 0001  Nor this

                # In between
                \t2330  GH100 [H100 SXM5 80GB]
                8086  Intel
                \t9999  Nor that
                """
            try text.write(toFile: "\(directory)/pci.ids", atomically: true, encoding: .utf8)
            let names = PCINames(root: root)
            #expect(names.name("10de:2330") == "GH100 [H100 SXM5 80GB]")
            #expect(names.name("10de:9999") == nil && names.name("ffff:2330") == nil)
            #expect(names.name("8086:9999") == "Nor that" && names.name("1002:2330") == "Not this")
        }
        #expect(PCINames(root: "/nonexistent").name("10de:2330") == nil)
    }
}

extension GPUUnit {
    /// All that is known of the unit, for people.
    fileprivate var text: String {
        let group = iommuGroup.map { "\($0)" } ?? "none"
        let lines = functions.map { device in
            let link = device.link.map {
                "\($0.speed ?? 0)/\($0.maximumSpeed ?? 0) GT/s x\($0.width ?? 0)/x\($0.maximumWidth ?? 0)"
            }
            let details = [
                device.pciID, device.subsystemID, device.classCode, "driver \(device.driver ?? "none")",
                "NUMA node \(device.numaNode.map { "\($0)" } ?? "unknown")",
                "behind \(device.parent.map { "\($0)" } ?? "-")",
                link ?? "no link", "reset \(device.resetMethods)", "regions \(device.barBytes)",
                "virtual functions \(device.virtualFunctions)/\(device.maximumVirtualFunctions)",
                device.isBootVGA ? "boot VGA" : nil, device.answers ? nil : "silent",
            ]
            return "  \(device.address) " + details.compactMap { $0 }.joined(separator: ", ")
        }
        let title = "\(gpus.map { "\($0.address)" }.joined(separator: " + ")): \(model), \(gpuType), group \(group)"
        let verdict = ["  obstacle: \(obstacle ?? "none")", "  concern: \(concern ?? "none")"]
        return ([title] + lines + verdict).joined(separator: "\n") + "\n"
    }
}
