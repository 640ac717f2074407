// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@testable import Agent

@Suite("A machine's domain is written as XML that libvirt takes")
struct DomainXMLTests {
    private static let hostile = "it's <b>\"R&D\"</b> ]]> <!-- ü 名前 🦕 \u{7}%s$(id)`id`;\n'"

    private func xml(
        _ spec: MachineSpec,
        _ virtType: VirtType = .qemu,
        _ disks: [VolumeDisk] = [],
        quirks: GPUQuirks = GPUQuirks(),
        hugePages: HugePages = .ordinary
    ) throws -> String {
        DomainXML(
            try Example.task(spec: spec),
            spec,
            files: MachineFiles(directory: "/var/lib/gantry/machines/\(Example.uuid)"),
            imagePath: "/var/lib/gantry/images/\(Example.digest)",
            virtType: virtType,
            disks: disks,
            quirks: quirks,
            hugePages: hugePages
        )
        .xml.text
    }

    private func gpu(_ addresses: String..., pciID: String = "10de:2330") throws -> GPUAssignment {
        let functions = try addresses.map {
            PCIFunction(address: try PCIAddress($0), pciID: pciID, subsystemID: "10de:16c1", classCode: "0302")
        }
        return GPUAssignment(address: functions[0].address, functions: functions, claim: 1)
    }

    @Test("Emulated, on KVM, with a name of XML's own characters, and with GPUs of two PCI domains")
    func golden() async throws {
        try await expectGolden(xml(Example.spec()), "domain-tcg.xml")
        try await expectGolden(xml(Example.spec(), .kvm), "domain-kvm.xml")
        try await expectGolden(xml(Example.spec(name: Self.hostile)), "domain-hostile-name.xml")
        let gpus = [try gpu("0000:65:00.0"), try gpu("10001:01:1f.6", "10001:01:1f.7")]
        try await expectGolden(xml(Example.spec(gpus: gpus), .kvm), "domain-gpus.xml")
    }

    /// One that boots from a volume and has another one.
    private func withVolumes() throws -> (MachineSpec, [VolumeDisk]) {
        let uuids = try ["2e2fb02e-68e0-4ae7-8d1b-000000000001", "2e2fb02e-68e1-4ae7-8d1b-000000000002"]
            .map { try VolumeUUID($0) }
        var spec = try Example.spec()
        spec.volumes = uuids.map { VolumeSpec(uuid: $0, pool: "local", sizeGiB: 10, isRoot: $0 == uuids[0]) }
        let pool = LocalPool(name: "local", directory: "/var/lib/gantry/volumes")
        let disks = zip(uuids, [VolumeDisk.rootTarget, VolumeDisk.targets[0]])
            .map { VolumeDisk($0, at: pool.path(of: $0), target: $1) }
        return (spec, disks)
    }

    @Test("With volumes, of which it boots from one and has no disk of its own")
    func volumes() async throws {
        let (spec, disks) = try withVolumes()
        let text = try xml(spec, .qemu, disks)
        try await expectGolden(text, "domain-volumes.xml")
        _ = try await libvirt("define --validate FILE", text)
        #expect(RunningDisks(xml: text).volumes.values.sorted() == ["vda", "vdc"])
    }

    @Test("With GPUs that have quirks, beside one that has none")
    func quirks() async throws {
        let quirks = GPUQuirks([.id("10de:2330"): [.noROM, .gpuDirect], .address(try PCIAddress("0001:66:00.0")): []])
        let gpus = [
            try gpu("0000:65:00.0"), try gpu("0000:66:00.0", pciID: "10de:2901"),
            try gpu("0001:66:00.0", pciID: "10de:2901"),
        ]
        let text = try xml(Example.spec(gpus: gpus), .kvm, quirks: quirks)
        try await expectGolden(text, "domain-quirks.xml")
        _ = try await libvirt("define --validate FILE", text)
        #expect(!(try xml(Example.spec(gpus: [gpus[2]]), quirks: quirks)).contains("qemu:"))
    }

    @Test("With huge pages")
    func hugePages() async throws {
        let text = try xml(Example.spec(gpus: [gpu("0000:65:00.0")]), .kvm, hugePages: .gib1)
        try await expectGolden(text, "domain-huge-pages.xml")
        _ = try await libvirt("define --validate FILE", text)
        _ = try await libvirt("define --validate FILE", try xml(Example.spec(), hugePages: .mib2))
    }

    @Test("libvirt takes it by its own schema", arguments: [VirtType.qemu, .kvm])
    func schema(_ virtType: VirtType) async throws {
        for spec in [try Example.spec(), try Example.spec(gpus: [gpu("0000:65:00.0")])] {
            _ = try await libvirt("define --validate FILE", try xml(spec, virtType))
        }
    }

    @Test("A name arrives in libvirt as it was given, but for what XML cannot hold")
    func name() async throws {
        let domain = DomainXML.name(of: try Example.task())
        let words = "define --validate FILE; desc \(domain)"
        let said = try await libvirt(words, try xml(Example.spec(name: Self.hostile)))
        #expect(said.contains(Self.hostile.replacing("\u{7}", with: "\u{FFFD}")))
    }

    @Test("A tap's name fits into a device name for machines up to 99 billion")
    func tap() throws {
        #expect(DomainXML.tap(of: try Example.task(id: 99_999_999_999)).utf8.count == 15)
    }
}
