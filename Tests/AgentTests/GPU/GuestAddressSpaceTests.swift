// SPDX-License-Identifier: Apache-2.0

import Foundation
import GantryModel
import GantryProtocol
import GantryTestSupport
import Logging
import Testing

@testable import Agent

@Suite("Whether guests can address GPUs is known beforehand")
struct GuestAddressSpaceTests {
    private static let gibibyte: UInt64 = 1 << 30

    /// Those up to 46 bits are as Debian's OVMF 2022.11 placed regions of such sizes. A 16th of each window is the 16 other
    /// ports'.
    @Test(
        "The firmware's window follows from the processor's bits, where it believes them",
        arguments: [
            (39, true, 60, 39), (40, false, 120, 40), (46, true, 7680, 46), (52, true, 7680, 47), (48, false, 7680, 47),
            (40, true, 32, nil), (39, false, 32, nil), (36, true, 32, nil),
        ] as [(Int, Bool, UInt64, Int?)]
    )
    func window(_ bits: Int, _ isIntel: Bool, _ gibibytes: UInt64, _ windowBits: Int?) {
        let space = GuestAddressSpace(processorBits: bits, isIntel: isIntel)
        #expect(space.windowBytes == gibibytes * Self.gibibyte - GuestAddressSpace.others)
        #expect(space.windowBits == windowBits)
    }

    @Test("Guests on KVM have the host's bits, emulated ones have QEMU's")
    func virtType() async throws {
        try await withRecordedHost("narrow-processor") { root in
            let tree = HostTree(root: root)
            #expect(GuestAddressSpace(tree, virtType: .kvm).windowBits == 39)
            #expect(GuestAddressSpace(tree, virtType: .qemu).windowBits == 40)
        }
    }

    private func device(_ wideBARBytes: UInt64...) throws -> PCIDevice {
        PCIDevice(
            address: try PCIAddress("0000:65:00.0"),
            pciID: "10de:2330",
            subsystemID: "10de:16c1",
            classCode: "0302",
            numaNode: nil,
            iommuGroup: 1,
            driver: nil,
            isBootVGA: false,
            parent: nil,
            link: nil,
            resetMethods: [],
            barBytes: wideBARBytes,
            wideBARBytes: wideBARBytes,
            virtualFunctions: 0,
            maximumVirtualFunctions: 0,
            physicalFunction: nil,
            answers: true
        )
    }

    @Test("Each function's regions begin on a multiple of its largest, the largest first")
    func layout() throws {
        let (small, large) = (try device(2, 8), try device(64, 1))
        let space = GuestAddressSpace(processorBits: 36, isIntel: true)
        #expect(space.bytes(of: [large]) == 65)
        #expect(space.bytes(of: [small, large]) == 72 + 10)
        #expect(space.bytes(of: [large, large]) == 128 + 65)
        #expect(space.bytes(of: [try device()]) == 0)
    }

    /// As Debian's OVMF 2022.11 reserved 512 MiB a port of a window of 128 GiB, for one with a region of 64 MiB too.
    @Test("What the firmware reserves for each port counts for functions that have less, or no such regions")
    func reserved() throws {
        let (space, mebibyte) = (GuestAddressSpace(processorBits: 40, isIntel: false), UInt64(1 << 20))
        #expect(space.bytes(of: [try device(64 * mebibyte)]) == 512 * mebibyte)
        #expect(space.bytes(of: [try device()]) == 512 * mebibyte)
        #expect(space.bytes(of: [try device(), try device(1024 * mebibyte, mebibyte)]) == (1536 + 512) * mebibyte)
        #expect(space.bytes(of: []) == 0)
    }

    @Test(
        "An IOMMU reaches as far as its address width and its page tables do",
        arguments: [
            ("intel-iommu/cap", "d2008c40660462", 39), ("intel-iommu/cap", "8d2078c106f0466", 48),
            ("intel-iommu/cap", "19ed008c40780c66", 57), ("intel-iommu/cap", "8d2078c106f0266", 39),
            ("amd-iommu/features", "25bf732fa2295afe:53d", 66), ("amd-iommu/features", "0", 48),
        ]
    )
    func iommu(_ register: String, _ text: String, _ bits: Int) async throws {
        try await withTemporaryDirectory { root in
            let path = "\(root)/sys/bus/pci/devices/0000:65:00.0/iommu/\(register)"
            let directory = (path as NSString).deletingLastPathComponent
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try "\(text)\n".write(toFile: path, atomically: true, encoding: .utf8)
            #expect(IOMMU(root: root).addressBits(of: try PCIAddress("0000:65:00.0")) == bits)
            #expect(IOMMU(root: root).addressBits(of: try PCIAddress("0000:66:00.0")) == nil)
        }
    }

    @Test("GPUs that fit each, but not together, are not bound for one guest")
    func together() async throws {
        try await withRecordedHost("narrow-processor") { root in
            let scan = GPUScan(root: root, policy: GPUPolicy())
            let keeper = GPUKeeper(
                scan: scan,
                root: root,
                ledger: GPULedger(path: "\(root)/gpus.json"),
                hook: nil,
                returnsDrivers: false,
                logger: Logger(label: "test")
            )
            let gpus = try scan.units().filter { $0.obstacle == nil }
                .map { GPUAssignment(address: $0.address, functions: $0.identity, claim: 1) }
            #expect(gpus.count == 2)
            let machine = try MachineUUID(Example.uuid)
            let whole = await #expect(throws: Fault.self) { try await keeper.bind(gpus, to: machine) }
            #expect(whole?.code == .hostGPUUnavailable && whole?.message.contains("together") == true)
            // One alone gets as far as vfio-pci, which a recorded host has not.
            let one = await #expect(throws: Fault.self) { try await keeper.bind([gpus[0]], to: machine) }
            #expect(one?.message.contains("together") == false)
        }
    }
}
