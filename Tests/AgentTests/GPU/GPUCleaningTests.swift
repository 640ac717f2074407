// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryTestSupport
import Testing

@testable import Agent

@Suite("A GPU is clean only when it answers as what it is")
struct GPUCleaningTests {
    private func verify(_ address: String, in root: String) throws {
        let units = try GPUScan(root: root, policy: GPUPolicy()).units()
        let unit = try #require(units.first { "\($0.address)" == address })
        try GPUCleaning(binding: PCIBinding(root: root), hook: nil).verify(unit)
    }

    @Test("A virtual function answers though its ids read as ones, unless all else does too; a physical one has ids")
    func virtualFunction() async throws {
        try await withRecordedHost("bmc") { root in
            let devices = "\(root)/sys/bus/pci/devices"
            try verify("0000:66:00.4", in: root)
            try verify("0000:66:00.0", in: root)
            let header = try Data(contentsOf: URL(filePath: "\(devices)/0000:66:00.4/config"))
            try header.write(to: URL(filePath: "\(devices)/0000:66:00.0/config"))
            let anonymous = #expect(throws: Fault.self) { try verify("0000:66:00.0", in: root) }
            #expect(anonymous?.message.contains("answers as ffff:ffff, not 10de:26b5") == true)
            try Data(repeating: 0xff, count: 64).write(to: URL(filePath: "\(devices)/0000:66:00.4/config"))
            let silent = #expect(throws: Fault.self) { try verify("0000:66:00.4", in: root) }
            #expect(silent?.message.contains("does not answer") == true)
        }
    }
}
