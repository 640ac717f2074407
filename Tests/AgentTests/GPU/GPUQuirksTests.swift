// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Settings
import Testing

@testable import Agent

@Suite("What GPUs need of their guests is known by name")
struct GPUQuirksTests {
    private func function(_ pciID: String, class classCode: String = "0302") throws -> PCIFunction {
        let address = try PCIAddress("0000:65:00.0")
        return PCIFunction(address: address, pciID: pciID, subsystemID: "10de:0000", classCode: classCode)
    }

    private func quirks(_ text: String) throws -> GPUQuirks {
        let settings = SettingsReader(try SettingsSources(file: nil, environment: ["GANTRY_GPU_QUIRKS": text]))
        let quirks = GPUQuirks(settings)
        try settings.refuseMistakes()
        return quirks
    }

    @Test("A model has what is known of it, and what is no GPU has nothing")
    func known() throws {
        #expect(GPUQuirks().quirks(of: try function("10de:2901")) == [.noMmap])
        #expect(GPUQuirks().quirks(of: try function("10de:2330")).isEmpty)
        #expect(GPUQuirks().quirks(of: try function("10de:2901", class: "0403")).isEmpty)
    }

    @Test("The operator's word stands in place of it, that of the address before the id's and the vendor's")
    func said() throws {
        let said = try quirks("10de=no-rom,10de:2330=no-mmap+gpudirect,0000:65:00.1=no-mmap")
        #expect(said.quirks(of: try function("10de:2901")) == [.noROM])
        #expect(said.quirks(of: try function("10de:2330")) == [.noMmap, .gpuDirect])
        #expect(said.quirks(of: try function("1002:74a1")).isEmpty)
        #expect(try quirks("10de:2901=none").quirks(of: function("10de:2901")).isEmpty)
        #expect(try quirks("0000:65:00.0=no-rom,10de:2330=none").quirks(of: function("10de:2330")) == [.noROM])
        #expect(try quirks("1002=gpudirect+no-rom").quirks(of: function("1002:74a1")) == [.noROM])
    }

    @Test(
        "What is no quirk is named",
        arguments: ["10de", "10de=", "10de=x-no-mmap", "10de=no-mmap+", "nvidia=no-rom"]
    )
    func wrong(_ text: String) throws {
        let error = try #require(throws: InvalidValue.self) { try quirks(text) }
        #expect("\(error)".contains("gpu.quirks"), "\(error)")
    }

    @Test("This host's QEMU has each property that a quirk sets")
    func properties() async throws {
        let known = try await shell("qemu-system-x86_64", "-device", "vfio-pci,help")
        for property in GPUQuirk.allCases.compactMap(\.property) { #expect(known.contains("  \(property.name)=<")) }
    }
}
