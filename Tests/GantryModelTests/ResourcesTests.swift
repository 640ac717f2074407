// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import Testing

@Suite("Resources are compared in every dimension")
struct ResourcesTests {
    private let amount = Resources(vcpus: 4, memoryMiB: 4096, diskGiB: 40)

    @Test("One that is short in a single dimension does not cover")
    func covers() {
        #expect(amount.covers(amount) && amount.covers(.zero))
        for short in [
            Resources(vcpus: 5, memoryMiB: 1, diskGiB: 1), Resources(vcpus: 1, memoryMiB: 4097, diskGiB: 1),
            Resources(vcpus: 1, memoryMiB: 1, diskGiB: 41),
        ] {
            #expect(!amount.covers(short))
        }
    }

    @Test("They add up and take away, and travel under their units' names")
    func sums() throws {
        #expect(amount + .zero == amount && amount - amount == .zero)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let json = String(decoding: try encoder.encode(amount), as: UTF8.self)
        #expect(json == #"{"disk_gib":40,"memory_mib":4096,"vcpus":4}"#)
    }
}
