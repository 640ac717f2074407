// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Testing

@Suite("A machine's domain is written as XML that libvirt takes")
struct DomainXMLTests {
    private static let hostile = "it's <b>\"R&D\"</b> ]]> <!-- ü 名前 🦕 \u{7}%s$(id)`id`;\n'"

    private func xml(_ spec: MachineSpec, _ virtType: VirtType = .qemu) throws -> String {
        DomainXML(
            try Example.task(spec: spec),
            spec,
            files: MachineFiles(directory: "/var/lib/gantry/machines/\(Example.uuid)"),
            imagePath: "/var/lib/gantry/images/\(Example.digest)",
            virtType: virtType
        )
        .xml.text
    }

    private func gpu(_ address: String, group: Int) throws -> GPUAssignment {
        GPUAssignment(address: try PCIAddress(address), pciID: "10de:2330", iommuGroup: group)
    }

    @Test("Emulated, on KVM, with a name of XML's own characters, and with GPUs of two PCI domains")
    func golden() async throws {
        try await expectGolden(xml(Example.spec()), "domain-tcg.xml")
        try await expectGolden(xml(Example.spec(), .kvm), "domain-kvm.xml")
        try await expectGolden(xml(Example.spec(name: Self.hostile)), "domain-hostile-name.xml")
        let gpus = [try gpu("0000:65:00.0", group: 12), try gpu("10001:01:1f.7", group: 40)]
        try await expectGolden(xml(Example.spec(gpus: gpus), .kvm), "domain-gpus.xml")
    }

    @Test("libvirt takes it by its own schema", arguments: [VirtType.qemu, .kvm])
    func schema(_ virtType: VirtType) async throws {
        for spec in [try Example.spec(), try Example.spec(gpus: [gpu("0000:65:00.0", group: 12)])] {
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
