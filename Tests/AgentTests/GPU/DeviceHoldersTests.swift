// SPDX-License-Identifier: Apache-2.0

import Agent
import Foundation
import GantryModel
import GantryTestSupport
import Testing

@Suite("Who holds a GPU's device nodes")
struct DeviceHoldersTests {
    @Test("Those that have a node of its drivers', NVIDIA's, or its group's open, or map a region of its; nobody else")
    func processes() async throws {
        try await withTemporaryDirectory { root in
            let (gpu, path) = (try PCIAddress("0000:65:00.0"), root + "/sys/bus/pci/devices/0000:65:00.0")
            try Self.write("MAJOR=226\nMINOR=1\nDEVNAME=dri/card1\n", to: path + "/drm/card1/uevent")
            try Self.write(
                "Model: \t H100\nDevice Minor: \t 3\n",
                to: root + "/proc/driver/nvidia/gpus/\(gpu)/information"
            )
            try Self.process("11", "python3", opens: "/dev/nvidia3", in: root)
            try Self.process("12", "Xorg", opens: "/dev/dri/card1", in: root)
            try Self.process("13", "qemu-system-x86", opens: "/dev/vfio/17", in: root)
            try Self.process("14", "other", opens: "/dev/nvidia30", in: root)
            try Self.process("15", "another", opens: "/dev/vfio/1", in: root)
            try Self.process("16", "flash", opens: "/dev/null", in: root)
            try Self.write(
                """
                7f6e1c000000-7f6e1c021000 rw-p 00000000 00:00 0
                7f6e20000000-7f6e21000000 rw-s 00000000 00:17 9157  /sys/devices/pci0000:64/0000:64:01.0/\(gpu)/resource0

                """,
                to: root + "/proc/16/maps"
            )
            let holders = DeviceHolders(root: root)
            #expect(
                try holders.processes(of: [gpu], iommuGroup: 17)
                    == ["Xorg (12)", "flash (16)", "python3 (11)", "qemu-system-x86 (13)"]
            )
            #expect(try holders.processes(of: [try PCIAddress("0000:66:00.0")], iommuGroup: nil) == [])
        }
    }

    @Test("A process of this machine is seen with a real node of a real device open")
    func real() async throws {
        let holder = try FileHandle(forReadingFrom: URL(filePath: "/dev/null"))
        defer { try? holder.close() }
        try await withTemporaryDirectory { root in
            try Self.write("DEVNAME=null\n", to: root + "/sys/bus/pci/devices/0000:01:00.0/uevent")
            let own = "/proc/\(ProcessInfo.processInfo.processIdentifier)"
            try FileManager.default.createDirectory(atPath: root + "/proc", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: root + own, withDestinationPath: own)
            let found = try DeviceHolders(root: root).processes(of: [PCIAddress("0000:01:00.0")], iommuGroup: nil)
            #expect(found.contains { $0.hasSuffix("(\(ProcessInfo.processInfo.processIdentifier))") })
        }
    }

    @Test("What cannot be looked at is told, and is not taken for nobody; a process that ended is nobody")
    func unseen() async throws {
        try await withTemporaryDirectory { root in
            let holders = DeviceHolders(root: root)
            func look() throws -> [String] { try holders.processes(of: [PCIAddress("0000:01:00.0")], iommuGroup: 1) }
            let without = #expect(throws: Fault.self) { try look() }
            #expect(without?.message.contains("/proc: it is not there") == true)
            try FileManager.default.createDirectory(atPath: root + "/proc/11", withIntermediateDirectories: true)
            #expect(try look() == [])
            // Root may read anything, so that it takes a file of another kind to be refused.
            try Self.write("", to: root + "/proc/11/fd")
            let folder = #expect(throws: Fault.self) { try look() }
            #expect(folder?.message.contains("/proc/11/fd: Not a directory") == true)
            try FileManager.default.removeItem(atPath: root + "/proc/11/fd")
            try Self.write("", to: root + "/proc/11/fd/3")
            let file = #expect(throws: Fault.self) { try look() }
            #expect(file?.message.contains("/proc/11/fd/3: Invalid argument") == true)
        }
    }

    private static func process(_ id: String, _ name: String, opens node: String, in root: String) throws {
        try write(name + "\n", to: "\(root)/proc/\(id)/comm")
        try FileManager.default.createDirectory(atPath: "\(root)/proc/\(id)/fd", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(root)/proc/\(id)/fd/7", withDestinationPath: node)
    }

    private static func write(_ text: String, to path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
}
